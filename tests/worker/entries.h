/* Entries that every worker can make, and check, from their number;
   tests/src/entries.rs has the same. */

#ifndef ENTRIES_H
#define ENTRIES_H

#include <stdio.h>
#include <string.h>

enum { LONGEST_REQUEST = 128, LONGEST_RESPONSE = 5200 };

static inline size_t make_request(unsigned long n, char out[LONGEST_REQUEST]) {
  return (size_t)snprintf(out, LONGEST_REQUEST, "{\"model\":\"m\",\"n\":%lu,\"prompt\":\"prompt %lu\"}",
                          n, n);
}

static inline size_t make_response(unsigned long n, char out[LONGEST_RESPONSE]) {
  char line[32];
  size_t wide = (size_t)snprintf(line, sizeof line, "answer %lu\n", n);
  size_t len = 200 + n * 977 % 5000;
  for (size_t i = 0; i < len; i++) out[i] = line[i % wide];
  return len;
}

/* An entry from `first` to `n`: which one is looked up after `n` was put. */
static inline unsigned long entry_before(unsigned long first, unsigned long n) {
  return first + n * 7919 % (n - first + 1);
}

#endif

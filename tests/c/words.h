/* Reads the cases that tests/c.rs takes from tests/fixtures, one word a member,
   so that C needs no parser: "-" is a member that is absent, "x7b7d" the text {}. */

#ifndef WORDS_H
#define WORDS_H

#include "check.h"

/* A member of a case; NULL if it is absent. Has a NUL behind its bytes. */
typedef struct {
  char *text;
  size_t len;
} word;

static inline char *read_all(const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  long size = ftell(file);
  CHECK(size > 0 && fseek(file, 0, SEEK_SET) == 0);
  char *text = (char *)malloc((size_t)size + 1);
  CHECK(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
  text[size] = '\0';
  CHECK(fclose(file) == 0);
  return text;
}

/* Turns the word at `*at` into bytes, in place, and moves on. */
static inline word next_word(char **at) {
  word out = {NULL, 0};
  size_t letters = strcspn(*at, " \n");
  char *begin = *at;
  *at += letters + (begin[letters] != '\0');
  if (begin[0] == '-') return out;
  CHECK(begin[0] == 'x' && letters % 2 == 1);
  out.text = begin;
  out.len = (letters - 1) / 2;
  for (size_t i = 0; i < out.len; i++) {
    char digits[3] = {begin[1 + 2 * i], begin[2 + 2 * i], '\0'};
    begin[i] = (char)strtoul(digits, NULL, 16);
  }
  begin[out.len] = '\0';
  return out;
}

/* Reads the members of the next case; 0 if there is none. */
static inline int next_case(char **at, word *members, size_t count) {
  if (**at == '\0') return 0;
  for (size_t i = 0; i < count; i++) members[i] = next_word(at);
  return 1;
}

static inline int is(word member, const char *text) {
  return member.text != NULL && strcmp(member.text, text) == 0;
}

#endif

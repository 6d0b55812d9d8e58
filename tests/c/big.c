/* A response of the given length is recorded and found; says how much memory it took. */

#include "check.h"

#define REQUEST "{\"big\":1}"

/* VmHWM of this process in KiB; 0 where nothing says. */
static unsigned long peak(void) {
  FILE *status = fopen("/proc/self/status", "r");
  unsigned long kib = 0;
  char line[256];
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %lu", &kib) == 1) break;
  if (status) fclose(status);
  return kib;
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  size_t length = strtoul(argv[1], NULL, 10);
  char *response = malloc(length);
  CHECK(response);
  for (size_t n = 0; n < length; n++) response[n] = (char)(n % 251);

  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "big.redb", NULL);
  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), response, length, NULL, 0, NULL, &err));
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_REPLAY, "big.redb", NULL);
  f3dx_cache_buffer found = garbage();
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT(REQUEST), &found, &err));
  CHECK(found.len == length && memcmp(found.data, response, length) == 0);
  f3dx_cache_buffer_free(&found);
  f3dx_cache_close(cache);
  free(response);

  unsigned long kib = peak();
  fprintf(stderr, "peak %lu KiB for %zu bytes\n", kib, length);
  /* A sanitizer keeps what was freed, and shadows all memory. */
  CHECK(SANITIZED || kib <= 6 * (length >> 10) + (48 << 10));
  return 0;
}

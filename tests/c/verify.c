/* Damaged files: listing what is wrong, saving the rest. */

#include "check.h"

#define ENTRIES 20

/* Records entries whose answers are found again in the file's bytes. */
static void record(const char *path) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, path, NULL);
  for (int n = 0; n < ENTRIES; n++) {
    char request[32], answer[64];
    int length = snprintf(request, sizeof request, "{\"n\":%d}", n);
    int size = snprintf(answer, sizeof answer, "<the answer to %d>", n);
    EXPECT(OK, f3dx_cache_put(cache, request, (size_t)length, answer, (size_t)size, NULL, 0,
                              NULL, &err));
  }
  f3dx_cache_close(cache);
}

/* Changes a byte wherever `text` is: pages that are no longer in use have it, too. */
static void damage(const char *path, const char *text) {
  static char bytes[4 << 20];
  FILE *file = fopen(path, "r+b");
  CHECK(file != NULL);
  size_t size = fread(bytes, 1, sizeof bytes, file), length = strlen(text), places = 0;
  for (size_t at = 0; at + length <= size; at++) {
    if (memcmp(bytes + at, text, length) == 0) {
      CHECK(fseek(file, (long)at, SEEK_SET) == 0 && fputc('#', file) == '#');
      places++;
    }
  }
  CHECK(places > 0 && fclose(file) == 0);
}

static void a_whole_file_has_no_flaws(void) {
  f3dx_cache_buffer out = garbage();
  uint64_t flaws = 99;
  record("whole.redb");
  EXPECT(OK, f3dx_cache_verify("whole.redb", &flaws, &out, &err));
  CHECK(flaws == 0 && tells(&out, "\"entries\":20,\"intact\":20,\"flaws\":[]"));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_verify("whole.redb", NULL, NULL, &err));
}

static void what_is_intact_in_a_damaged_file_is_saved(void) {
  f3dx_cache_buffer out = garbage();
  uint64_t flaws = 0;
  record("damaged.redb");
  damage("damaged.redb", "<the answer to 17>");
  EXPECT(OK, f3dx_cache_verify("damaged.redb", &flaws, &out, &err));
  CHECK(flaws > 0 && tells(&out, "\"intact\":19") && tells(&out, "does not match its checksum"));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_recover("damaged.redb", "saved.redb", &out, &err));
  CHECK(tells(&out, "\"recovered\":19"));
  f3dx_cache_buffer_free(&out);

  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_REPLAY, "saved.redb", NULL);
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("{\"n\":16}"), &out, &err));
  CHECK(holds(&out, TEXT("<the answer to 16>")));
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("{\"n\":17}"), &out, &err));
  f3dx_cache_close(cache);
  EXPECT(OK, f3dx_cache_verify("saved.redb", &flaws, NULL, &err));
  CHECK(flaws == 0);
}

static void what_cannot_be_done_is_refused(void) {
  f3dx_cache_buffer out = garbage();
  uint64_t flaws = 99;
  EXPECT_SAYS(IO, "no cache file", f3dx_cache_verify("missing.redb", &flaws, &out, &err));
  CHECK(flaws == 0 && is_empty(out));
  write_file("letter.redb", "Dear reader,\n");
  EXPECT_SAYS(CORRUPT, "is not a cache", f3dx_cache_verify("letter.redb", &flaws, &out, &err));
  EXPECT_SAYS(IO, "exists already", f3dx_cache_recover("whole.redb", "whole.redb", &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "path is NULL", f3dx_cache_verify(NULL, &flaws, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "path is NULL", f3dx_cache_recover(NULL, "x", &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "new_path is NULL",
              f3dx_cache_recover("whole.redb", NULL, &out, &err));
  CHECK(is_empty(out));
}

int main(void) {
  a_whole_file_has_no_flaws();
  what_is_intact_in_a_damaged_file_is_saved();
  what_cannot_be_done_is_refused();
  return 0;
}

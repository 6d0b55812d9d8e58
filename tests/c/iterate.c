/* Walks over the entries. */

#include "check.h"

static f3dx_cache *with_entries(const char *path, int count) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, path, NULL);
  for (int i = 0; i < count; i++) {
    char request[16];
    int len = sprintf(request, "[%d]", i);
    EXPECT(OK, f3dx_cache_put(cache, request, (size_t)len, TEXT("x"), TEXT("{\"model\":\"m\"}"),
                              NULL, &err));
  }
  return cache;
}

static void a_walk_goes_in_the_order_of_fingerprints(void) {
  f3dx_cache *cache = with_entries("walk.redb", 5);
  f3dx_cache_iter *iter = NULL;
  uint8_t previous[F3DX_CACHE_FINGERPRINT_LEN] = {0}, key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer meta;
  int seen = 0;
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  for (;; seen++) {
    meta = garbage();
    f3dx_cache_status status = f3dx_cache_iter_next(iter, key, &meta, &err);
    if (status == F3DX_CACHE_STATUS_END) break;
    expect(F3DX_CACHE_STATUS_OK, status, "", __FILE__, __LINE__, "next");
    CHECK(memcmp(previous, key, sizeof key) < 0);
    CHECK(tells(&meta, "\"model\":\"m\""));
    memcpy(previous, key, sizeof key);
    f3dx_cache_buffer_free(&meta);
  }
  CHECK(seen == 5 && is_empty(meta) && key[0] == 0 && key[31] == 0);
  EXPECT(END, f3dx_cache_iter_next(iter, key, &meta, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_close(cache);
}

static void a_walk_outlives_its_cache_and_sees_no_later_write(void) {
  f3dx_cache *cache = with_entries("snapshot.redb", 2);
  f3dx_cache_iter *iter = NULL;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("\"later\""), TEXT("x"), NULL, 0, NULL, &err));
  f3dx_cache_close(cache);
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  EXPECT(END, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
}

static void an_empty_cache_is_at_its_end(void) {
  f3dx_cache *cache = with_entries("none.redb", 0);
  f3dx_cache_iter *iter = NULL;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(END, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_close(cache);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache *cache = with_entries("wrong.redb", 1);
  f3dx_cache_iter *iter = (f3dx_cache_iter *)(uintptr_t)0xa5a5;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  uint8_t *nowhere = NULL;
  f3dx_cache_buffer meta = garbage();
  EXPECT(INVALID_ARGUMENT, f3dx_cache_iter_new(NULL, &iter, &err));
  CHECK(iter == NULL);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_iter_new(cache, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_iter_next(NULL, key, &meta, &err));
  CHECK(is_empty(meta));
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_iter_next(iter, nowhere, &meta, &err));
  /* The refused call did not move it. */
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_iter_free(NULL);
  f3dx_cache_close(cache);
}

int main(void) {
  a_walk_goes_in_the_order_of_fingerprints();
  a_walk_outlives_its_cache_and_sees_no_later_write();
  an_empty_cache_is_at_its_end();
  wrong_arguments_are_refused();
  return 0;
}

/* One handle, many threads: nothing recorded is lost, one of many calls. */

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, EACH = 5 };

static f3dx_cache *cache;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static int calls;

static void *record_own(void *number) {
  for (int i = 0; i < EACH; i++) {
    char request[32];
    int len = sprintf(request, "[%d,%d]", *(int *)number, i);
    CHECK(f3dx_cache_put(cache, request, (size_t)len, TEXT("x"), NULL, 0, NULL, NULL) ==
          F3DX_CACHE_STATUS_OK);
  }
  return NULL;
}

/* What a caller does on a miss. */
static void *answer_the_same(void *unused) {
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_claim_guard *claim = NULL;
  f3dx_cache_buffer answer;
  (void)unused;
  CHECK(f3dx_cache_fingerprint(cache, TEXT("\"same\""), key, NULL) == F3DX_CACHE_STATUS_OK);
  f3dx_cache_status status = f3dx_cache_claim(cache, key, 0, 60000, &claim, NULL);
  if (status == F3DX_CACHE_STATUS_MISS) {
    CHECK(claim != NULL);
    pthread_mutex_lock(&counting);
    calls++;
    pthread_mutex_unlock(&counting);
    CHECK(f3dx_cache_put(cache, TEXT("\"same\""), TEXT("y"), NULL, 0, NULL, NULL) ==
          F3DX_CACHE_STATUS_OK);
    f3dx_cache_claim_free(claim);
  } else {
    CHECK(status == F3DX_CACHE_STATUS_OK);
  }
  CHECK(f3dx_cache_get(cache, key, &answer, NULL) == F3DX_CACHE_STATUS_OK);
  f3dx_cache_buffer_free(&answer);
  return NULL;
}

static void together(void *(*work)(void *)) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void another_thread_frees(void *(*work)(void *), void *what) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, work, what) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

static void *free_error(void *error) {
  CHECK(f3dx_cache_error_status(error) == F3DX_CACHE_STATUS_INVALID_JSON);
  f3dx_cache_error_free(error);
  return NULL;
}

static void *close_cache(void *opened) {
  f3dx_cache_close(opened);
  return NULL;
}

int main(void) {
  f3dx_cache_stats stats;
  f3dx_cache_buffer out;
  cache = open_in(F3DX_CACHE_MODE_RECORD, "threads.redb", NULL);
  together(record_own);
  together(answer_the_same);
  stats.struct_size = sizeof stats;
  EXPECT(OK, f3dx_cache_get_stats(cache, &stats, &err));
  CHECK(stats.entries == THREADS * EACH + 1);
  CHECK(stats.hits == THREADS);
  CHECK(calls == 1);
  CHECK(f3dx_cache_lookup(cache, TEXT("["), &out, &err) < 0);
  another_thread_frees(free_error, err);
  another_thread_frees(close_cache, cache);
  return 0;
}

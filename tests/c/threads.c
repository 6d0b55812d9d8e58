/* Many threads, on one handle and on handles of their own: nothing recorded is lost,
   one of many calls. The argument says how often each thread opens and closes. */

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, EACH = 5, MANY = 16, FILES = 3 };

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

static void together(int count, void *(*work)(void *)) {
  pthread_t threads[MANY];
  int numbers[MANY];
  for (int i = 0; i < count; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
  }
  for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static int rounds = 2;

static f3dx_cache *open_one(uint32_t mode, int file) {
  f3dx_cache *opened = NULL;
  f3dx_cache_options options;
  char path[32];
  sprintf(path, "many-%d.redb", file);
  CHECK(f3dx_cache_options_init(&options, sizeof options) == F3DX_CACHE_STATUS_OK);
  options.mode = mode;
  options.lock_timeout_ms = 120000;
  CHECK(f3dx_cache_open(path, &options, &opened, NULL) == F3DX_CACHE_STATUS_OK);
  return opened;
}

/* Entry `entry` of a round; the first one stays, the second is deleted. */
static int request_of(char *out, int thread, int round, int entry) {
  return sprintf(out, "{\"thread\":%d,\"round\":%d,\"entry\":%d}", thread, round, entry);
}

static int response_of(char *out, int thread, int round, int entry) {
  return sprintf(out, "answer %d of %d in %d", entry, thread, round);
}

/* Whether the response to an entry is recorded, and right. */
static int is_recorded(f3dx_cache *in, int thread, int round, int entry) {
  char request[80], response[80];
  f3dx_cache_buffer answer;
  int len = request_of(request, thread, round, entry);
  int expected = response_of(response, thread, round, entry);
  f3dx_cache_status status = f3dx_cache_lookup(in, request, (size_t)len, &answer, NULL);
  if (status == F3DX_CACHE_STATUS_MISS) return 0;
  CHECK(status == F3DX_CACHE_STATUS_OK);
  CHECK(holds(&answer, response, (size_t)expected));
  return 1;
}

static void walk(f3dx_cache *over) {
  uint8_t last[F3DX_CACHE_FINGERPRINT_LEN] = {0}, key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_iter *iter = NULL;
  f3dx_cache_buffer meta;
  f3dx_cache_status status;
  CHECK(f3dx_cache_iter_new(over, &iter, NULL) == F3DX_CACHE_STATUS_OK);
  while ((status = f3dx_cache_iter_next(iter, key, &meta, NULL)) == F3DX_CACHE_STATUS_OK) {
    CHECK(memcmp(last, key, sizeof key) < 0);
    CHECK(tells(&meta, "created_at_ms"));
    memcpy(last, key, sizeof key);
    f3dx_cache_buffer_free(&meta);
  }
  CHECK(status == F3DX_CACHE_STATUS_END);
  f3dx_cache_iter_free(iter);
}

static void *open_and_close(void *number) {
  int thread = *(int *)number;
  for (int round = 0; round < rounds; round++) {
    f3dx_cache *own = open_one(F3DX_CACHE_MODE_RECORD, (thread + round) % FILES);
    uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
    for (int entry = 0; entry < 2; entry++) {
      char request[80], response[80];
      int len = request_of(request, thread, round, entry);
      int answer = response_of(response, thread, round, entry);
      CHECK(f3dx_cache_put(own, request, (size_t)len, response, (size_t)answer, NULL, 0, key,
                           NULL) == F3DX_CACHE_STATUS_OK);
      CHECK(is_recorded(own, thread, round, entry));
    }
    CHECK(f3dx_cache_delete(own, key, NULL) == F3DX_CACHE_STATUS_OK);
    CHECK(!is_recorded(own, thread, round, 1));
    is_recorded(own, (thread + 1) % MANY, round, 0);
    walk(own);
    f3dx_cache_close(own);
  }
  return NULL;
}

static void nothing_is_lost(void) {
  for (int file = 0; file < FILES; file++) {
    f3dx_cache *replaying = open_one(F3DX_CACHE_MODE_REPLAY, file);
    for (int thread = 0; thread < MANY; thread++) {
      for (int round = 0; round < rounds; round++) {
        int here = (thread + round) % FILES == file;
        CHECK(is_recorded(replaying, thread, round, 0) == here);
        CHECK(!is_recorded(replaying, thread, round, 1));
      }
    }
    f3dx_cache_close(replaying);
  }
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

int main(int count, char **arguments) {
  f3dx_cache_stats stats;
  f3dx_cache_buffer out;
  cache = open_in(F3DX_CACHE_MODE_RECORD, "threads.redb", NULL);
  if (count > 1) rounds = atoi(arguments[1]);
  together(THREADS, record_own);
  together(THREADS, answer_the_same);
  stats.struct_size = sizeof stats;
  EXPECT(OK, f3dx_cache_get_stats(cache, &stats, &err));
  CHECK(stats.entries == THREADS * EACH + 1);
  CHECK(stats.hits == THREADS);
  CHECK(calls == 1);
  CHECK(f3dx_cache_lookup(cache, TEXT("["), &out, &err) < 0);
  another_thread_frees(free_error, err);
  another_thread_frees(close_cache, cache);
  together(MANY, open_and_close);
  nothing_is_lost();
  return 0;
}

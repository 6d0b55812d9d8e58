/* A handle goes on in a forked child, and both record into one file; also if a thread
   of the parent records meanwhile. */

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDED = 40, CHILDREN = 5 };

/* Ends a child. Not exit: what it inherited and must not touch would count as lost. */
static void leave(void) {
  execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
  _exit(1);
}

static void succeeds(pid_t child) {
  int status = 0;
  CHECK(child > 0);
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void put(f3dx_cache *cache, char who, int n) {
  char request[32];
  int len = sprintf(request, "[\"%c\",%d]", who, n);
  CHECK(f3dx_cache_put(cache, request, (size_t)len, TEXT("x"), NULL, 0, NULL, NULL) ==
        F3DX_CACHE_STATUS_OK);
}

static void is_there(f3dx_cache *cache, char who, int n) {
  char request[32];
  int len = sprintf(request, "[\"%c\",%d]", who, n);
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_lookup(cache, request, (size_t)len, &out, &err));
  CHECK(holds(&out, TEXT("x")));
}

static void *record(void *cache) {
  for (int n = 0; n < RECORDED; n++) put(cache, 't', n);
  return NULL;
}

static void children_are_forked_while_a_thread_records(f3dx_cache *cache) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, record, cache) == 0);
  for (int n = 0; n < CHILDREN; n++) {
    pid_t child = fork();
    if (child == 0) {
      put(cache, 'c', n);
      is_there(cache, 'c', n);
      leave();
    }
    succeeds(child);
  }
  CHECK(pthread_join(thread, NULL) == 0);
  for (int n = 0; n < RECORDED; n++) is_there(cache, 't', n);
  for (int n = 0; n < CHILDREN; n++) is_there(cache, 'c', n);
}

static void the_child(f3dx_cache *cache, f3dx_cache_iter *iter, f3dx_cache_claim_guard *claim) {
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("\"parent\""), &out, &err));
  CHECK(holds(&out, TEXT("p")));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("\"child\""), TEXT("c"), NULL, 0, NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "begun before this process was forked",
              f3dx_cache_iter_next(iter, key, NULL, &err));
  EXPECT(END, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_claim_free(claim);
  f3dx_cache_close(cache);
}

int main(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "fork.redb", NULL);
  f3dx_cache_iter *iter = NULL;
  f3dx_cache_claim_guard *claim = NULL, *other = NULL;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_put(cache, TEXT("\"parent\""), TEXT("p"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT("\"claimed\""), key, &err));
  EXPECT(MISS, f3dx_cache_claim(cache, key, 1, 0, &claim, &err));

  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    the_child(cache, iter, claim);
    leave();
  }
  succeeds(child);

  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("\"child\""), &out, &err));
  CHECK(holds(&out, TEXT("c")));
  /* The child's end did not take the claim away. */
  EXPECT(WAIT, f3dx_cache_claim(cache, key, 2, 0, &other, &err));
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  EXPECT(END, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_claim_free(claim);
  /* A fork takes the locks of the sanitizer's allocator along, as another thread may hold
     them: its child would wait for ever (seen with GCC 12). */
  if (!SANITIZED) children_are_forked_while_a_thread_records(cache);
  f3dx_cache_close(cache);
  uint64_t flaws = 99;
  EXPECT(OK, f3dx_cache_verify("fork.redb", &flaws, NULL, &err));
  CHECK(flaws == 0);
  return 0;
}

/* A handle goes on in a forked child, and both record into one file. */

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

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
  int status = 0;
  EXPECT(OK, f3dx_cache_put(cache, TEXT("\"parent\""), TEXT("p"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT("\"claimed\""), key, &err));
  EXPECT(MISS, f3dx_cache_claim(cache, key, 1, 0, &claim, &err));

  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    the_child(cache, iter, claim);
    /* Not exit: what the child inherited and must not touch would count as lost. */
    execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
    _exit(1);
  }
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("\"child\""), &out, &err));
  CHECK(holds(&out, TEXT("c")));
  /* The child's end did not take the claim away. */
  EXPECT(WAIT, f3dx_cache_claim(cache, key, 2, 0, &other, &err));
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  EXPECT(END, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_claim_free(claim);
  f3dx_cache_close(cache);
  return 0;
}

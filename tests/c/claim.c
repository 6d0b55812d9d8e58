/* Single flight for explicit lookups. */

#include "check.h"

static uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
static uint8_t other_key[F3DX_CACHE_FINGERPRINT_LEN];

static void one_holder_calls_and_the_other_waits(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "claim.redb", NULL);
  f3dx_cache_claim_guard *mine = NULL, *yours = (f3dx_cache_claim_guard *)(uintptr_t)0xa5a5;
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT("1"), key, &err));
  EXPECT(MISS, f3dx_cache_claim(cache, key, 0, 0, &mine, &err));
  CHECK(mine != NULL);
  EXPECT(WAIT, f3dx_cache_claim(cache, key, 2, 0, &yours, &err));
  CHECK(yours == NULL);
  EXPECT(WAIT, f3dx_cache_claim(cache, key, 2, 5, &yours, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_claim(cache, key, 2, 0, &yours, &err));
  CHECK(yours == NULL);
  f3dx_cache_claim_free(mine);
  f3dx_cache_close(cache);
}

static void a_claim_given_up_goes_to_the_next(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "next.redb", NULL);
  f3dx_cache_claim_guard *mine = NULL, *yours = NULL;
  EXPECT(MISS, f3dx_cache_claim(cache, key, 1, 0, &mine, &err));
  f3dx_cache_claim_free(mine);
  EXPECT(MISS, f3dx_cache_claim(cache, key, 2, 0, &yours, &err));
  CHECK(yours != NULL);
  f3dx_cache_close(cache); /* a claim keeps what it needs */
  f3dx_cache_claim_free(yours);
  f3dx_cache_claim_free(NULL);
}

static void a_holder_of_one_claim_does_not_wait_for_another(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "nested.redb", NULL);
  f3dx_cache_claim_guard *first = NULL, *second = NULL;
  f3dx_cache_buffer summary;
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT("2"), other_key, &err));
  EXPECT(MISS, f3dx_cache_claim(cache, key, 0, 0, &first, &err));
  EXPECT(MISS, f3dx_cache_claim(cache, other_key, 0, 60000, &second, &err));
  CHECK(first != NULL && second == NULL);
  EXPECT(OK, f3dx_cache_get_summary(cache, &summary, &err));
  CHECK(tells(&summary, "\"without_claim\":1"));
  f3dx_cache_buffer_free(&summary);
  f3dx_cache_claim_free(first);
  f3dx_cache_close(cache);
}

static void what_does_not_record_claims_nothing(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_READ_ONLY, "next.redb", NULL);
  f3dx_cache_claim_guard *claim = NULL;
  EXPECT(MISS, f3dx_cache_claim(cache, key, 1, 0, &claim, &err));
  CHECK(claim == NULL);
  EXPECT(MISS, f3dx_cache_claim(cache, key, 2, 60000, &claim, &err));
  CHECK(claim == NULL);
  f3dx_cache_close(cache);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "next.redb", NULL);
  f3dx_cache_claim_guard *claim = (f3dx_cache_claim_guard *)(uintptr_t)0xa5a5;
  const uint8_t *none = NULL;
  EXPECT(INVALID_ARGUMENT, f3dx_cache_claim(NULL, key, 1, 0, &claim, &err));
  CHECK(claim == NULL);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_claim(cache, none, 1, 0, &claim, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_claim(cache, key, 1, 0, NULL, &err));
  /* The refused call claimed nothing. */
  EXPECT(MISS, f3dx_cache_claim(cache, key, 2, 0, &claim, &err));
  CHECK(claim != NULL);
  f3dx_cache_claim_free(claim);
  f3dx_cache_close(cache);
}

int main(void) {
  one_holder_calls_and_the_other_waits();
  a_claim_given_up_goes_to_the_next();
  a_holder_of_one_claim_does_not_wait_for_another();
  what_does_not_record_claims_nothing();
  wrong_arguments_are_refused();
  return 0;
}

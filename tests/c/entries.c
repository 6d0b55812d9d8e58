/* Look up, record, remove, explain. */

#include "check.h"

#define REQUEST "{\"model\": \"m\", \"temperature\": 0}"

static void a_recorded_answer_is_found_in_every_way(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "ways.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN], recorded[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out = garbage();
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT(REQUEST), key, &err));
  EXPECT(MISS, f3dx_cache_get(cache, key, &out, &err));
  CHECK(is_empty(out));
  EXPECT(MISS, f3dx_cache_peek(cache, key, &out, &err));
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT(REQUEST), &out, &err));
  EXPECT(MISS, f3dx_cache_contains(cache, key, &err));
  EXPECT(MISS, f3dx_cache_get_meta(cache, key, &out, &err));
  EXPECT(MISS, f3dx_cache_get_request(cache, key, &out, &err));
  EXPECT(MISS, f3dx_cache_http_get(cache, key, &out, &out, &err));

  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), TEXT("a\0b"), NULL, 0, recorded, &err));
  CHECK(memcmp(key, recorded, sizeof key) == 0);
  EXPECT(OK, f3dx_cache_get(cache, key, &out, &err));
  CHECK(holds(&out, TEXT("a\0b")));
  EXPECT(OK, f3dx_cache_peek(cache, key, &out, &err));
  CHECK(holds(&out, TEXT("a\0b")));
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("{\"temperature\":0.0,\"model\":\"m\"}"), &out, &err));
  CHECK(holds(&out, TEXT("a\0b")));
  EXPECT(OK, f3dx_cache_contains(cache, key, &err));
  EXPECT(OK, f3dx_cache_get_request(cache, key, &out, &err));
  CHECK(holds(&out, TEXT("{\"model\":\"m\",\"temperature\":0}")));
  f3dx_cache_close(cache);
}

static void the_first_recording_stays_until_it_is_removed(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "first.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), TEXT("one"), NULL, 0, key, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), TEXT("two"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_get(cache, key, &out, &err));
  CHECK(holds(&out, TEXT("one")));
  EXPECT(OK, f3dx_cache_delete(cache, key, &err));
  EXPECT(MISS, f3dx_cache_delete(cache, key, &err));
  EXPECT(MISS, f3dx_cache_get(cache, key, &out, &err));
  f3dx_cache_close(cache);
}

static void an_empty_answer_is_an_answer(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "empty.redb", NULL);
  f3dx_cache_buffer out = garbage();
  EXPECT(OK, f3dx_cache_put(cache, TEXT("null"), NULL, 0, NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("null"), &out, &err));
  CHECK(holds(&out, "", 0));
  f3dx_cache_close(cache);
}

static void meta_is_kept_with_members_of_the_caller(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "meta.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), TEXT("x"),
                            TEXT("{\"model\":\"m-1\",\"response_duration_ms\":250,\"mine\":[1]}"),
                            key, &err));
  EXPECT(OK, f3dx_cache_get_meta(cache, key, &out, &err));
  CHECK(tells(&out, "\"model\":\"m-1\"") && tells(&out, "\"response_duration_ms\":250"));
  CHECK(tells(&out, "\"mine\":[1]") && tells(&out, "\"created_at_ms\":"));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_close(cache);
}

static void wrong_meta_records_nothing(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "wrong_meta.redb", NULL);
  f3dx_cache_buffer out;
  EXPECT(INVALID_JSON, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), TEXT("{"), NULL, &err));
  EXPECT(INVALID_JSON, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), TEXT(NOT_UTF8), NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "meta",
              f3dx_cache_put(cache, TEXT("1"), TEXT("x"), TEXT("[]"), NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "meta",
              f3dx_cache_put(cache, TEXT("1"), TEXT("x"), TEXT("{\"model\":1}"), NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), NULL, 1, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), "{}", TOO_LONG, NULL, &err));
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("1"), &out, &err));
  f3dx_cache_close(cache);
}

static void modes_do_what_their_table_says(void) {
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer out;
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "modes.redb", NULL);
  EXPECT(OK, f3dx_cache_put(cache, TEXT("1"), TEXT("x"), NULL, 0, key, &err));
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_REPLAY, "modes.redb", NULL);
  EXPECT(OK, f3dx_cache_contains(cache, key, &err));
  EXPECT_SAYS(READ_ONLY, "mode replay",
              f3dx_cache_put(cache, TEXT("2"), TEXT("y"), NULL, 0, key, &err));
  CHECK(key[0] == 0 && key[31] == 0);
  EXPECT(READ_ONLY, f3dx_cache_delete(cache, key, &err));
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_READ_ONLY, "modes.redb", NULL);
  EXPECT(SKIPPED, f3dx_cache_put(cache, TEXT("2"), TEXT("y"), NULL, 0, key, &err));
  CHECK(key[0] != 0 || key[31] != 0);
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_OFF, "modes.redb", NULL);
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("1"), &out, &err));
  EXPECT(SKIPPED, f3dx_cache_put(cache, TEXT("2"), TEXT("y"), NULL, 0, NULL, &err));
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_REFRESH, "modes.redb", NULL);
  EXPECT(OK, f3dx_cache_put(cache, TEXT("1"), TEXT("z"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("1"), &out, &err));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_close(cache);
}

static void a_sequence_replays_in_order(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "sequence.redb",
                              "{\"repeats\": \"sequence\"}");
  f3dx_cache *session = NULL;
  f3dx_cache_buffer out;
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("{}"), &out, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("{}"), TEXT("a"), NULL, 0, NULL, &err));
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("{}"), &out, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("{}"), TEXT("b"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_session(cache, TEXT("again"), NULL, 0, &session, &err));
  EXPECT(OK, f3dx_cache_lookup(session, TEXT("{}"), &out, &err));
  CHECK(holds(&out, TEXT("a")));
  EXPECT(OK, f3dx_cache_lookup(session, TEXT("{}"), &out, &err));
  CHECK(holds(&out, TEXT("b")));
  EXPECT(MISS, f3dx_cache_lookup(session, TEXT("{}"), &out, &err));
  f3dx_cache_close(session);
  f3dx_cache_close(cache);
}

static void a_miss_is_explained_by_the_nearest(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "explain.redb", NULL);
  f3dx_cache_buffer out = garbage();
  EXPECT(OK, f3dx_cache_explain_miss(cache, TEXT(REQUEST), &out, &err));
  CHECK(tells(&out, "the cache is empty"));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_put(cache, TEXT(REQUEST), TEXT("x"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_explain_miss(cache, TEXT("{\"model\":\"m\",\"temperature\":0.7}"),
                                     &out, &err));
  CHECK(tells(&out, "\"path\":\"/temperature\"") && tells(&out, "\"text\":\"f3dx-cache: "));
  CHECK(tells(&out, "\"entries\":1"));
  f3dx_cache_buffer_free(&out);
  EXPECT(INVALID_JSON, f3dx_cache_explain_miss(cache, TEXT("{"), &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_explain_miss(NULL, TEXT("{}"), &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_explain_miss(cache, NULL, 2, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_explain_miss(cache, "{}", TOO_LONG, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_explain_miss(cache, TEXT("{}"), NULL, &err));
  CHECK(is_empty(out));
  f3dx_cache_close(cache);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "wrong.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN] = {0};
  const uint8_t *none = NULL;
  f3dx_cache_buffer out = garbage();
  EXPECT_SAYS(INVALID_ARGUMENT, "cache", f3dx_cache_get(NULL, key, &out, &err));
  CHECK(is_empty(out));
  EXPECT_SAYS(INVALID_ARGUMENT, "fingerprint", f3dx_cache_get(cache, none, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "out_response", f3dx_cache_get(cache, key, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_peek(NULL, key, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_peek(cache, none, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_peek(cache, key, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_lookup(NULL, TEXT("{}"), &out, &err));
  EXPECT(INVALID_JSON, f3dx_cache_lookup(cache, NULL, 0, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_lookup(cache, NULL, 2, &out, &err));
  EXPECT(INVALID_JSON, f3dx_cache_lookup(cache, TEXT(NOT_UTF8), &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_lookup(cache, "{}", TOO_LONG, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_lookup(cache, TEXT("{}"), NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(NULL, TEXT("{}"), "x", 1, NULL, 0, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, NULL, 1, "x", 1, NULL, 0, key, &err));
  EXPECT(INVALID_JSON, f3dx_cache_put(cache, NULL, 0, "x", 1, NULL, 0, key, &err));
  EXPECT(INVALID_JSON, f3dx_cache_put(cache, TEXT(NOT_UTF8), "x", 1, NULL, 0, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, "{}", TOO_LONG, "x", 1, NULL, 0, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, TEXT("{}"), NULL, 1, NULL, 0, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_put(cache, TEXT("{}"), "x", TOO_LONG, NULL, 0, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_contains(NULL, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_contains(cache, none, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_delete(NULL, key, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_delete(cache, none, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_meta(NULL, key, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_meta(cache, none, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_meta(cache, key, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_request(NULL, key, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_request(cache, none, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_request(cache, key, NULL, &err));
  CHECK(is_empty(out));
  f3dx_cache_close(cache);
}

int main(void) {
  a_recorded_answer_is_found_in_every_way();
  the_first_recording_stays_until_it_is_removed();
  an_empty_answer_is_an_answer();
  meta_is_kept_with_members_of_the_caller();
  wrong_meta_records_nothing();
  modes_do_what_their_table_says();
  a_sequence_replays_in_order();
  a_miss_is_explained_by_the_nearest();
  wrong_arguments_are_refused();
  return 0;
}

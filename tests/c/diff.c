/* Comparisons: callbacks, their replies, and what is wrong with either. */

#include "check.h"

#define NONE NULL, 0

/* A model of the caller's: what it says, and how often it was asked. */
typedef struct {
  const char *says;
  const char *fails;
  int32_t returns;
  uint32_t endpoint;
  int calls;
} model;

static int32_t answer(void *userdata, uint32_t endpoint, const char *request, size_t request_len,
                      f3dx_cache_reply *reply) {
  model *m = (model *)userdata;
  f3dx_cache_error *mine = NULL;
  m->calls++;
  m->endpoint = endpoint;
  CHECK(request_len > 0 && request[0] == '{' && request[request_len - 1] == '}');
  if (m->says != NULL)
    CHECK(f3dx_cache_reply_set(reply, m->says, strlen(m->says), &mine) == F3DX_CACHE_STATUS_OK);
  if (m->fails != NULL)
    CHECK(f3dx_cache_reply_fail(reply, m->fails, strlen(m->fails), &mine) == F3DX_CACHE_STATUS_OK);
  CHECK(mine == NULL);
  return m->returns;
}

static f3dx_cache_callbacks asking(model *m, const f3dx_cache *cache) {
  f3dx_cache_callbacks callbacks;
  memset(&callbacks, 0xa5, sizeof callbacks);
  EXPECT(OK, f3dx_cache_callbacks_init(&callbacks, sizeof callbacks));
  CHECK(callbacks.call == NULL && callbacks.embed == NULL && callbacks.target == NULL &&
        callbacks.progress == NULL && callbacks.cache == NULL);
  callbacks.call = answer;
  callbacks.userdata = m;
  callbacks.cache = cache;
  return callbacks;
}

static const char JUDGING[] = "{\"mode\":\"judge\",\"judge_model\":\"a-judge\"}";
static const char EMBEDDING[] = "{\"mode\":\"embedding\",\"embedding_model\":\"e\"}";
static const char EQUIVALENT[] =
    "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
    "\"{\\\"differences\\\":[],\\\"verdict\\\":\\\"equivalent\\\"}\"},\"finish_reason\":\"stop\"}]}";

static void outputs_are_compared_without_a_model(void) {
  f3dx_cache_buffer out = garbage();
  EXPECT(OK, f3dx_cache_diff(TEXT("{\"a\":1}"), TEXT("{ \"a\": 1.0 }"), NONE, NONE, NULL, &out, &err));
  CHECK(tells(&out, "\"verdict\":\"same\"") && tells(&out, "\"mode\":\"structured\""));
  f3dx_cache_buffer_free(&out);
  EXPECT(DIFFERENT,
         f3dx_cache_diff(TEXT("{\"a\":1}"), TEXT("{\"a\":2}"), NONE, NONE, NULL, &out, &err));
  CHECK(tells(&out, "{\"path\":\"/a\",\"kind\":\"changed\",\"before\":1,\"after\":2}"));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_diff(NONE, NONE, NONE, NONE, NULL, NULL, &err));
}

static void a_judge_is_asked_and_its_replies_are_cached(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "judged.redb", NULL);
  model m = {EQUIVALENT, NULL, 0, 99, 0};
  f3dx_cache_callbacks callbacks = asking(&m, cache);
  for (int round = 0; round < 2; round++) {
    f3dx_cache_buffer out = garbage();
    EXPECT(OK, f3dx_cache_diff(TEXT("Yes."), TEXT("Indeed."), TEXT(JUDGING),
                               TEXT("{\"prompt\":\"Is it so?\"}"), &callbacks, &out, &err));
    CHECK(tells(&out, "\"verdict\":\"equivalent\"") && tells(&out, "\"mode\":\"judge\""));
    f3dx_cache_buffer_free(&out);
    CHECK(m.calls == 2 && m.endpoint == F3DX_CACHE_ENDPOINT_CHAT_COMPLETIONS);
  }
  f3dx_cache_close(cache);
}

static void an_embedder_goes_before_the_model(void) {
  static const char VECTORS[] =
      "{\"data\":[{\"index\":0,\"embedding\":[1,0]},{\"index\":1,\"embedding\":[0,1]}]}";
  model judge = {EQUIVALENT, NULL, 0, 99, 0}, embedder = {VECTORS, NULL, 0, 99, 0};
  f3dx_cache_callbacks callbacks = asking(&embedder, NULL);
  f3dx_cache_buffer out = garbage();
  EXPECT(DIFFERENT, f3dx_cache_diff(TEXT("red"), TEXT("blue"), TEXT(EMBEDDING), NONE, &callbacks,
                                    &out, &err));
  CHECK(tells(&out, "\"score\":0.0") && embedder.endpoint == F3DX_CACHE_ENDPOINT_EMBEDDINGS);
  f3dx_cache_buffer_free(&out);
  callbacks = asking(&judge, NULL);
  callbacks.embed = callbacks.call;
  callbacks.call = NULL;
  EXPECT(DIFFERENT, f3dx_cache_diff(TEXT("red"), TEXT("blue"), TEXT(EMBEDDING), NONE, &callbacks,
                                    &out, &err));
  CHECK(judge.calls == 1 && judge.endpoint == F3DX_CACHE_ENDPOINT_EMBEDDINGS);
  f3dx_cache_buffer_free(&out);
}

/* Compares by a judge that does not answer; the note holds `text`. */
static void is_told(model m, const char *text) {
  f3dx_cache_callbacks callbacks = asking(&m, NULL);
  f3dx_cache_buffer out = garbage();
  EXPECT(DIFFERENT, f3dx_cache_diff(TEXT("Yes."), TEXT("No."), TEXT(JUDGING), NONE, &callbacks,
                                    &out, &err));
  CHECK(tells(&out, "\"verdict\":\"error\"") && tells(&out, text) && m.calls > 0);
  f3dx_cache_buffer_free(&out);
}

static void what_fails_in_a_callback_is_told(void) {
  model refused = {NULL, "no quota left", 0, 0, 0};
  model silent = {NULL, NULL, 0, 0, 0};
  model coded = {EQUIVALENT, NULL, 7, 0, 0};
  is_told(refused, "no quota left");
  is_told(silent, "the callback returned 0 and set no reply");
  is_told(coded, "the callback returned 7");
}

static void mistakes_are_told(void) {
  f3dx_cache_buffer out = garbage();
  f3dx_cache_callbacks callbacks;
  EXPECT_SAYS(INVALID_ARGUMENT, "votes = 0",
              f3dx_cache_diff(TEXT("a"), TEXT("b"), TEXT("{\"votes\":0}"), NONE, NULL, &out, &err));
  CHECK(is_empty(out));
  EXPECT_SAYS(INVALID_ARGUMENT, "unknown field `mod`",
              f3dx_cache_diff(TEXT("a"), TEXT("b"), TEXT("{\"mod\":0}"), NONE, NULL, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "question",
              f3dx_cache_diff(TEXT("a"), TEXT("b"), NONE, TEXT("[1]"), NULL, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "judge",
              f3dx_cache_diff(TEXT("a"), TEXT("b"), TEXT(JUDGING), NONE, NULL, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "before is NULL",
              f3dx_cache_diff(NULL, 1, TEXT("b"), NONE, NONE, NULL, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "after_len",
              f3dx_cache_diff(TEXT("a"), "b", TOO_LONG, NONE, NONE, NULL, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "reply is NULL", f3dx_cache_reply_set(NULL, TEXT("a"), &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "reply is NULL", f3dx_cache_reply_fail(NULL, TEXT("a"), &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "", (f3dx_cache_callbacks_init(&callbacks, 3), 
              memset(&callbacks, 0, sizeof callbacks),
              f3dx_cache_diff(TEXT("a"), TEXT("b"), NONE, NONE, &callbacks, &out, &err)));
  CHECK(f3dx_cache_callbacks_init(NULL, sizeof callbacks) == F3DX_CACHE_STATUS_INVALID_ARGUMENT);
}

int main(void) {
  outputs_are_compared_without_a_model();
  a_judge_is_asked_and_its_replies_are_cached();
  an_embedder_goes_before_the_model();
  what_fails_in_a_callback_is_told();
  mistakes_are_told();
  return 0;
}

/* HTTP calls: replayed, sent and recorded, passed or refused. */

#include "check.h"

#define URL "https://api.openai.com/v1/chat/completions"
#define BODY "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define STREAMED "{\"model\":\"gpt-4o\",\"stream\":true,\"messages\":[]}"
#define SECRET "Bearer sk-0123456789abcdef0123456789abcdef"
#define ANSWER                                                                 \
  "{\"id\":\"1\",\"object\":\"chat.completion\",\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,"     \
  "\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"hello\"}}],"       \
  "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}"
#define PIECE                                                                  \
  "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":"     \
  "[{\"index\":0,\"delta\":{\"content\":\"he\"},\"finish_reason\":null}]}\n\n"
#define LAST                                                                   \
  "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-4o\",\"choices\":"     \
  "[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
#define JSON_HEADERS "{\"content-type\":\"application/json\",\"set-cookie\":\"no=1\"}"
#define SSE_HEADERS "[[\"Content-Type\",\"text/event-stream\"],[\"x-request-id\",\"r1\"]]"

/* What an interceptor has for a call. */
typedef struct {
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange;
} call;

static f3dx_cache_status intercept(f3dx_cache *cache, const char *method,
                                   const char *url, const char *body, call *out) {
  const char *headers = "{\"authorization\": \"" SECRET "\"}";
  out->head = out->body = garbage();
  out->exchange = (f3dx_cache_exchange *)(uintptr_t)0xa5a5;
  return f3dx_cache_http_intercept(cache, method, strlen(method), url, strlen(url),
                                   headers, strlen(headers), body, strlen(body),
                                   &out->head, &out->body, &out->exchange, &err);
}

static int holds_nothing(const call *c) {
  return is_empty(c->head) && is_empty(c->body) && c->exchange == NULL;
}

static void an_answer_is_recorded_and_replayed(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "answer.redb", NULL);
  call c;
  f3dx_cache_buffer head, body;
  EXPECT(MISS, intercept(cache, "POST", URL, BODY, &c));
  CHECK(is_empty(c.head) && is_empty(c.body) && c.exchange != NULL);
  EXPECT(OK, f3dx_cache_exchange_records(c.exchange, &err));
  EXPECT(MISS, f3dx_cache_exchange_claim(c.exchange, 0, &head, &body, &err));
  EXPECT(OK, f3dx_cache_exchange_head(c.exchange, 200, TEXT(JSON_HEADERS), &err));
  EXPECT(OK, f3dx_cache_exchange_chunk(c.exchange, TEXT(ANSWER), &err));
  EXPECT(OK, f3dx_cache_exchange_finish(c.exchange, F3DX_CACHE_END_EOF, &err));
  EXPECT(SKIPPED, f3dx_cache_exchange_finish(c.exchange, F3DX_CACHE_END_EOF, &err));
  f3dx_cache_exchange_free(c.exchange);
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_REPLAY, "answer.redb", NULL);
  EXPECT(OK, intercept(cache, "POST", URL, BODY, &c));
  CHECK(c.exchange == NULL);
  CHECK(tells(&c.head, "\"status\":200") && tells(&c.head, "application/json"));
  CHECK(strstr((const char *)c.head.data, "cookie") == NULL);
  CHECK(holds(&c.body, TEXT(ANSWER)));
  f3dx_cache_buffer_free(&c.head);
  f3dx_cache_close(cache);
}

static void a_stream_is_recorded_at_its_terminal_event(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "stream.redb", NULL);
  call c;
  f3dx_cache_buffer head, body;
  uint64_t ms = 0, bytes = 0;
  EXPECT(MISS, intercept(cache, "POST", URL, STREAMED, &c));
  EXPECT(MISS, f3dx_cache_exchange_claim(c.exchange, 7, &head, &body, &err));
  EXPECT(OK, f3dx_cache_exchange_head(c.exchange, 200, TEXT(SSE_HEADERS), &err));
  EXPECT(OK, f3dx_cache_exchange_chunk(c.exchange, TEXT(PIECE), &err));
  EXPECT(OK, f3dx_cache_exchange_drain_bounds(c.exchange, &ms, &bytes, &err));
  CHECK(ms > 0 && bytes > 0);
  EXPECT(END, f3dx_cache_exchange_chunk(c.exchange, TEXT(LAST), &err));
  EXPECT(OK, f3dx_cache_exchange_finish(c.exchange, F3DX_CACHE_END_LEFT, &err));
  f3dx_cache_exchange_free(c.exchange);

  EXPECT(OK, intercept(cache, "POST", URL, STREAMED, &c));
  CHECK(tells(&c.head, "\"chunks\":[[") && tells(&c.head, "\"x-request-id\":\"r1\""));
  CHECK(holds(&c.body, TEXT(PIECE LAST)));
  f3dx_cache_buffer_free(&c.head);
  f3dx_cache_close(cache);
}

/* Sends a call whose response ends like this, and returns what finish said. */
static void not_recorded(f3dx_cache *cache, uint32_t status, const char *headers,
                         const char *body, uint32_t end) {
  call c;
  EXPECT(MISS, intercept(cache, "POST", URL, STREAMED, &c));
  if (status != 0)
    EXPECT(OK, f3dx_cache_exchange_head(c.exchange, status, headers, strlen(headers), &err));
  EXPECT(OK, f3dx_cache_exchange_chunk(c.exchange, body, strlen(body), &err));
  EXPECT(SKIPPED, f3dx_cache_exchange_finish(c.exchange, end, &err));
  f3dx_cache_exchange_free(c.exchange);
}

static void what_is_no_whole_answer_is_not_recorded(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "partial.redb", NULL);
  f3dx_cache_buffer summary;
  call c;
  not_recorded(cache, 429, JSON_HEADERS, "{\"error\":{}}", F3DX_CACHE_END_EOF);
  not_recorded(cache, 200, SSE_HEADERS, PIECE, F3DX_CACHE_END_EOF);
  not_recorded(cache, 200, SSE_HEADERS, PIECE, F3DX_CACHE_END_LEFT);
  not_recorded(cache, 200, SSE_HEADERS, PIECE, F3DX_CACHE_END_FAILED);
  not_recorded(cache, 0, "", "no head came before", F3DX_CACHE_END_FAILED);
  EXPECT(MISS, intercept(cache, "POST", URL, STREAMED, &c));
  f3dx_cache_exchange_free(c.exchange); /* never finished */
  EXPECT(MISS, intercept(cache, "POST", URL, STREAMED, &c));
  f3dx_cache_exchange_free(c.exchange);
  EXPECT(OK, f3dx_cache_get_summary(cache, &summary, &err));
  CHECK(tells(&summary, "\"refused\":4") && tells(&summary, "429"));
  CHECK(tells(&summary, "\"recorded\":0") && tells(&summary, "\"text\":\"f3dx-cache: 0 hits"));
  f3dx_cache_buffer_free(&summary);
  f3dx_cache_close(cache);
}

static void other_calls_pass(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "pass.redb", NULL);
  call c;
  EXPECT(SKIPPED, intercept(cache, "GET", "https://example.com/", "", &c));
  CHECK(holds_nothing(&c));
  EXPECT(SKIPPED, intercept(cache, "GET", "https://api.openai.com/v1/models", "", &c));
  EXPECT(SKIPPED, intercept(cache, "", "", "", &c));
  EXPECT(SKIPPED, intercept(cache, "POST", "not a url", "", &c));
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_OFF, "pass.redb", NULL);
  EXPECT(SKIPPED, intercept(cache, "POST", URL, BODY, &c));
  f3dx_cache_close(cache);
}

static f3dx_cache_status concerns(const f3dx_cache *cache, const char *method, const char *url) {
  return f3dx_cache_http_concerns(cache, method, strlen(method), url, strlen(url), NULL, 0, &err);
}

static void what_may_concern_the_cache_is_known_without_a_body(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_REPLAY, "answer.redb", NULL);
  f3dx_cache_buffer json;
  EXPECT(OK, concerns(cache, "POST", URL));
  EXPECT(OK, concerns(cache, "GET", "https://api.openai.com/v1/models"));
  EXPECT(SKIPPED, concerns(cache, "POST", "https://example.com/"));
  EXPECT(INVALID_ARGUMENT, concerns(NULL, "POST", URL));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_concerns(cache, NULL, 1, TEXT(URL), NULL, 0, &err));
  EXPECT(OK, f3dx_cache_get_refused_misses(cache, &json, &err));
  CHECK(tells(&json, "[]"));
  f3dx_cache_buffer_free(&json);
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_OFF, "answer.redb", NULL);
  EXPECT(SKIPPED, concerns(cache, "POST", URL));
  f3dx_cache_close(cache);
}

static void replay_refuses_and_remembers_it(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_REPLAY, "answer.redb", NULL);
  f3dx_cache_buffer json;
  call c;
  EXPECT_SAYS(READ_ONLY, "/body/messages",
              intercept(cache, "POST", URL,
                        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"ho\"}]}",
                        &c));
  CHECK(holds_nothing(&c));
  EXPECT_SAYS(READ_ONLY, "not replayed",
              intercept(cache, "GET", "https://api.openai.com/v1/models", "", &c));
  EXPECT(OK, f3dx_cache_get_refused_misses(cache, &json, &err));
  CHECK(tells(&json, "[\"f3dx-cache: ") && tells(&json, "/body/messages"));
  f3dx_cache_buffer_free(&json);
  f3dx_cache_close(cache);
}

static void a_read_only_cache_sends_and_records_nothing(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_READ_ONLY, "answer.redb", NULL);
  f3dx_cache_buffer head, body;
  call c;
  EXPECT(MISS, intercept(cache, "POST", URL, "{\"model\":\"other\"}", &c));
  EXPECT(SKIPPED, f3dx_cache_exchange_records(c.exchange, &err));
  EXPECT(MISS, f3dx_cache_exchange_claim(c.exchange, 1, &head, &body, &err));
  EXPECT(SKIPPED, f3dx_cache_exchange_finish(c.exchange, F3DX_CACHE_END_EOF, &err));
  f3dx_cache_exchange_free(c.exchange);
  f3dx_cache_close(cache);
}

static void of_two_exchanges_one_sends(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "flight.redb", NULL);
  f3dx_cache_buffer head = garbage(), body = garbage();
  call one, other;
  EXPECT(MISS, intercept(cache, "POST", URL, BODY, &one));
  EXPECT(MISS, intercept(cache, "POST", URL, BODY, &other));
  EXPECT(MISS, f3dx_cache_exchange_claim(one.exchange, 1, &head, &body, &err));
  EXPECT(WAIT, f3dx_cache_exchange_claim(other.exchange, 2, &head, &body, &err));
  CHECK(is_empty(head) && is_empty(body));
  EXPECT(OK, f3dx_cache_exchange_head(one.exchange, 200, TEXT(JSON_HEADERS), &err));
  EXPECT(OK, f3dx_cache_exchange_chunk(one.exchange, TEXT(ANSWER), &err));
  EXPECT(OK, f3dx_cache_exchange_finish(one.exchange, F3DX_CACHE_END_EOF, &err));
  f3dx_cache_close(cache); /* an exchange keeps what it needs */
  EXPECT(OK, f3dx_cache_exchange_claim(other.exchange, 2, &head, &body, &err));
  CHECK(tells(&head, "\"status\":200"));
  CHECK(holds(&body, TEXT(ANSWER)));
  f3dx_cache_buffer_free(&head);
  f3dx_cache_exchange_free(one.exchange);
  f3dx_cache_exchange_free(other.exchange);
}

static void what_was_put_by_hand_is_read_as_http(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "by_hand.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  f3dx_cache_buffer head, body;
  EXPECT(OK, f3dx_cache_put(cache, TEXT("{}"), TEXT("[]"), NULL, 0, key, &err));
  EXPECT(OK, f3dx_cache_http_get(cache, key, &head, &body, &err));
  CHECK(tells(&head, "\"status\":200"));
  CHECK(holds(&body, TEXT("[]")));
  f3dx_cache_buffer_free(&head);
  f3dx_cache_close(cache);
}

static void a_key_is_nowhere_in_the_file(void) {
  static char bytes[1 << 22];
  FILE *file = fopen("answer.redb", "rb");
  CHECK(file != NULL);
  size_t len = fread(bytes, 1, sizeof bytes, file);
  CHECK(fclose(file) == 0);
  for (size_t i = 0; i + sizeof SECRET <= len; i++)
    CHECK(memcmp(bytes + i, SECRET + 7, sizeof SECRET - 8) != 0);
}

static void wrong_headers_are_refused(void) {
  static const struct {
    const char *headers;
    f3dx_cache_status status;
  } cases[] = {
      {"{", F3DX_CACHE_STATUS_INVALID_JSON},
      {NOT_UTF8, F3DX_CACHE_STATUS_INVALID_JSON},
      {"{\"a\":\"1\",\"a\":\"2\"}", F3DX_CACHE_STATUS_INVALID_JSON},
      {"null", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
      {"{\"a\":1}", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
      {"[\"a\"]", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
      {"[[\"a\"]]", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
      {"[[\"a\",\"b\",\"c\"]]", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
      {"[[\"a\",null]]", F3DX_CACHE_STATUS_INVALID_ARGUMENT},
  };
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "wrong.redb", NULL);
  call c, sent;
  EXPECT(MISS, intercept(cache, "POST", URL, BODY, &sent));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *headers = cases[i].headers;
    size_t len = strlen(headers);
    expect(cases[i].status,
           f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), headers, len, TEXT(BODY),
                                     &c.head, &c.body, &c.exchange, &err),
           "", __FILE__, __LINE__, headers);
    CHECK(holds_nothing(&c));
    expect(cases[i].status, f3dx_cache_exchange_head(sent.exchange, 200, headers, len, &err),
           "", __FILE__, __LINE__, headers);
  }
  f3dx_cache_exchange_free(sent.exchange);
  f3dx_cache_close(cache);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "wrong.redb", NULL);
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN] = {0};
  const uint8_t *no_key = NULL;
  f3dx_cache_buffer head = garbage(), body = garbage();
  f3dx_cache_exchange *x = NULL;
  uint64_t number = 7;
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(NULL, TEXT("POST"), TEXT(URL), NULL, 0, NULL,
                                                     0, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, NULL, 1, TEXT(URL), NULL, 0, NULL, 0,
                                                     &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("\xff"), TEXT(URL), NULL, 0, NULL,
                                                     0, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT("\xff"), NULL, 0,
                                                     NULL, 0, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), URL, TOO_LONG, NULL, 0,
                                                     NULL, 0, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), NULL, 2, NULL,
                                                     0, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), NULL, 0, NULL,
                                                     1, &head, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), NULL, 0, NULL,
                                                     0, NULL, &body, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), NULL, 0, NULL,
                                                     0, &head, NULL, &x, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_intercept(cache, TEXT("POST"), TEXT(URL), NULL, 0, NULL,
                                                     0, &head, &body, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_get(NULL, key, &head, &body, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_get(cache, no_key, &head, &body, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_get(cache, key, NULL, &body, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_http_get(cache, key, &head, NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_records(NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_claim(NULL, 0, &head, &body, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_head(NULL, 200, NULL, 0, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_chunk(NULL, NULL, 0, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_drain_bounds(NULL, &number, &number, &err));
  CHECK(number == 0);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_finish(NULL, F3DX_CACHE_END_EOF, &err));
  f3dx_cache_exchange_free(NULL);
  CHECK(is_empty(head) && is_empty(body) && x == NULL);

  call c;
  EXPECT(MISS, intercept(cache, "POST", URL, BODY, &c));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_claim(c.exchange, 0, NULL, &body, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_claim(c.exchange, 0, &head, NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "status", f3dx_cache_exchange_head(c.exchange, 0, NULL, 0, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_head(c.exchange, 65736, NULL, 0, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_head(c.exchange, 200, NULL, 1, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_chunk(c.exchange, NULL, 1, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_chunk(c.exchange, "", TOO_LONG, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_drain_bounds(c.exchange, NULL, &number, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_exchange_drain_bounds(c.exchange, &number, NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "unknown end 3", f3dx_cache_exchange_finish(c.exchange, 3, &err));
  f3dx_cache_exchange_free(c.exchange);
  f3dx_cache_close(cache);
}

int main(void) {
  an_answer_is_recorded_and_replayed();
  a_stream_is_recorded_at_its_terminal_event();
  what_is_no_whole_answer_is_not_recorded();
  other_calls_pass();
  what_may_concern_the_cache_is_known_without_a_body();
  replay_refuses_and_remembers_it();
  a_read_only_cache_sends_and_records_nothing();
  of_two_exchanges_one_sends();
  what_was_put_by_hand_is_read_as_http();
  a_key_is_nowhere_in_the_file();
  wrong_headers_are_refused();
  wrong_arguments_are_refused();
  return 0;
}

/* The table of HTTP calls that every language runs: what a call is, and what
   identifies it. */

#define _POSIX_C_SOURCE 200809L
#include "words.h"

#define ANSWER "{\"an\":\"answer\"}"
#define JSON_HEADERS "{\"content-type\":\"application/json\"}"

enum { ID, ENV, OPTIONS, METHOD, URL, HEADERS, BODY, EXPECTED, DOCUMENT, FINGERPRINT, MEMBERS };

/* Sets (or unsets) variables, "NAME=value" a line. */
static void environment(const char *lines, int set) {
  char name[64];
  while (lines != NULL && *lines != '\0') {
    size_t len = strcspn(lines, "\n"), until = strcspn(lines, "=");
    char *value = strndup(lines + until + 1, len - until - 1);
    CHECK(until < sizeof name && value != NULL);
    memcpy(name, lines, until);
    name[until] = '\0';
    CHECK((set ? setenv(name, value, 1) : unsetenv(name)) == 0);
    free(value);
    lines += len + (lines[len] != '\0');
  }
}

static f3dx_cache_status intercept(f3dx_cache *cache, const word *c, f3dx_cache_buffer *head,
                                   f3dx_cache_buffer *body, f3dx_cache_exchange **exchange) {
  return f3dx_cache_http_intercept(cache, c[METHOD].text, c[METHOD].len, c[URL].text, c[URL].len,
                                   c[HEADERS].text, c[HEADERS].len, c[BODY].text, c[BODY].len,
                                   head, body, exchange, &err);
}

/* Records an answer to the call, and compares the one entry there is then. */
static void is_recorded(f3dx_cache *cache, const word *c) {
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange = NULL;
  f3dx_cache_iter *iter = NULL;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
  EXPECT(MISS, intercept(cache, c, &head, &body, &exchange));
  EXPECT(OK, f3dx_cache_exchange_head(exchange, 200, TEXT(JSON_HEADERS), &err));
  EXPECT(OK, f3dx_cache_exchange_chunk(exchange, TEXT(ANSWER), &err));
  EXPECT(OK, f3dx_cache_exchange_finish(exchange, F3DX_CACHE_END_EOF, &err));
  f3dx_cache_exchange_free(exchange);

  EXPECT(OK, f3dx_cache_iter_new(cache, &iter, &err));
  EXPECT(OK, f3dx_cache_iter_next(iter, key, NULL, &err));
  f3dx_cache_iter_free(iter);
  f3dx_cache_fingerprint_to_hex(key, hex);
  CHECK(is(c[FINGERPRINT], hex));
  EXPECT(OK, f3dx_cache_get_request(cache, key, &body, &err));
  CHECK(holds(&body, c[DOCUMENT].text, c[DOCUMENT].len));
}

static void holds_in_record(const word *c) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "case.redb", c[OPTIONS].text);
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange = NULL;
  if (is(c[EXPECTED], "inference"))
    is_recorded(cache, c);
  else
    EXPECT(SKIPPED, intercept(cache, c, &head, &body, &exchange));
  f3dx_cache_close(cache);
}

static void holds_in_replay(const word *c) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_REPLAY, "case.redb", c[OPTIONS].text);
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange = NULL;
  if (is(c[EXPECTED], "inference")) {
    EXPECT(OK, intercept(cache, c, &head, &body, &exchange));
    CHECK(holds(&body, TEXT(ANSWER)));
    f3dx_cache_buffer_free(&head);
  } else if (is(c[EXPECTED], "unrecorded")) {
    EXPECT(READ_ONLY, intercept(cache, c, &head, &body, &exchange));
  } else {
    CHECK(is(c[EXPECTED], "pass"));
    EXPECT(SKIPPED, intercept(cache, c, &head, &body, &exchange));
  }
  f3dx_cache_close(cache);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  char *text = read_all(argv[1]), *at = text;
  word c[MEMBERS];
  size_t seen = 0;
  for (; next_case(&at, c, MEMBERS); seen++) {
    testing = c[ID].text;
    environment(c[ENV].text, 1);
    holds_in_record(c);
    holds_in_replay(c);
    environment(c[ENV].text, 0);
    CHECK(remove("case.redb") == 0);
  }
  CHECK(seen > 100);
  free(text);
  return 0;
}

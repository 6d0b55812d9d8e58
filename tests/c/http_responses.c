/* The table of HTTP responses that every language runs: which may be recorded. */

#include "words.h"

enum { ID, OPTIONS, URL, BODY, STATUS, HEADERS, LENGTHS, CHUNKS, END, EXPECTED, REASON, MEMBERS };

static void passes_as_expected(f3dx_cache *cache, const word *c) {
  f3dx_cache_buffer head, body;
  f3dx_cache_exchange *exchange = NULL;
  EXPECT(MISS, f3dx_cache_http_intercept(cache, TEXT("POST"), c[URL].text, c[URL].len, NULL, 0,
                                         c[BODY].text, c[BODY].len, &head, &body, &exchange,
                                         &err));
  uint32_t status = (uint32_t)strtoul(c[STATUS].text, NULL, 10);
  EXPECT(OK, f3dx_cache_exchange_head(exchange, status, c[HEADERS].text, c[HEADERS].len, &err));
  char *chunk = c[CHUNKS].text, *lengths = c[LENGTHS].text;
  while (*lengths != '\0') {
    size_t len = strtoul(lengths, &lengths, 10);
    CHECK(f3dx_cache_exchange_chunk(exchange, chunk, len, &err) >= 0);
    chunk += len;
  }
  CHECK(chunk == c[CHUNKS].text + c[CHUNKS].len);
  uint32_t end = is(c[END], "true") ? F3DX_CACHE_END_EOF : F3DX_CACHE_END_LEFT;
  if (is(c[EXPECTED], "record"))
    EXPECT(OK, f3dx_cache_exchange_finish(exchange, end, &err));
  else
    EXPECT(SKIPPED, f3dx_cache_exchange_finish(exchange, end, &err));
  f3dx_cache_exchange_free(exchange);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  char *text = read_all(argv[1]), *at = text;
  word c[MEMBERS];
  size_t seen = 0;
  for (; next_case(&at, c, MEMBERS); seen++) {
    testing = c[ID].text;
    f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "case.redb", c[OPTIONS].text);
    f3dx_cache_buffer summary;
    passes_as_expected(cache, c);
    EXPECT(OK, f3dx_cache_get_summary(cache, &summary, &err));
    if (c[REASON].text != NULL) CHECK(tells(&summary, c[REASON].text));
    f3dx_cache_buffer_free(&summary);
    f3dx_cache_close(cache);
    CHECK(remove("case.redb") == 0);
  }
  CHECK(seen > 50);
  free(text);
  return 0;
}

/* The table of comparisons that every language runs. */

#include "words.h"

enum { NAME, OPTIONS, BEFORE, AFTER, VERDICT, MODE, SAYS, MEMBERS };

int main(int argc, char **argv) {
  CHECK(argc == 2);
  char *text = read_all(argv[1]), *at = text;
  word c[MEMBERS];
  size_t seen = 0;
  for (; next_case(&at, c, MEMBERS); seen++) {
    testing = c[NAME].text;
    f3dx_cache_buffer out = garbage();
    f3dx_cache_status status =
        f3dx_cache_diff(c[BEFORE].text, c[BEFORE].len, c[AFTER].text, c[AFTER].len,
                        c[OPTIONS].text, c[OPTIONS].len, NULL, 0, NULL, &out, &err);
    int is_ok = is(c[VERDICT], "\"verdict\":\"same\"") || is(c[VERDICT], "\"verdict\":\"equivalent\"");
    if (is_ok)
      EXPECT(OK, status);
    else
      EXPECT(DIFFERENT, status);
    CHECK(tells(&out, c[VERDICT].text));
    if (c[MODE].text != NULL) CHECK(tells(&out, c[MODE].text));
    if (c[SAYS].text != NULL) CHECK(tells(&out, c[SAYS].text));
    f3dx_cache_buffer_free(&out);
  }
  CHECK(seen > 50);
  free(text);
  return 0;
}

/* Canonical form and fingerprints: the vectors of every language, and misuse. */

#include "words.h"

enum { INPUT, CANONICAL, FINGERPRINT, ERROR, MEMBERS };

static void every_vector_holds(const char *path) {
  char *text = read_all(path), *at = text;
  word v[MEMBERS];
  size_t seen = 0;
  for (; next_case(&at, v, MEMBERS); seen++) {
    const char *input = v[INPUT].text;
    size_t len = v[INPUT].len;
    f3dx_cache_buffer canonical = garbage();
    uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
    memset(fingerprint, 0xa5, sizeof fingerprint);
    if (v[ERROR].text == NULL) {
      char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
      EXPECT(OK, f3dx_cache_canonicalize(input, len, &canonical, &err));
      CHECK(holds(&canonical, v[CANONICAL].text, v[CANONICAL].len));
      EXPECT(OK, f3dx_cache_fingerprint(NULL, input, len, fingerprint, &err));
      f3dx_cache_fingerprint_to_hex(fingerprint, hex);
      CHECK(is(v[FINGERPRINT], hex));
    } else {
      f3dx_cache_error *error = NULL;
      CHECK(f3dx_cache_canonicalize(input, len, &canonical, &error) ==
            F3DX_CACHE_STATUS_INVALID_JSON);
      CHECK(is_empty(canonical));
      CHECK(is(v[ERROR], f3dx_cache_error_json_kind(error)));
      f3dx_cache_error_free(error);
      EXPECT(INVALID_JSON, f3dx_cache_fingerprint(NULL, input, len, fingerprint, &err));
      CHECK(fingerprint[0] == 0 && fingerprint[31] == 0);
    }
  }
  CHECK(seen > 100);
  free(text);
}

static void hex_is_read_and_spelled(void) {
  uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
  char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
  const char *upper = "00FF10203040506070809000A0B0C0D0E0F0A1B2C3D4E5F60718293A4B5C6D7E";
  EXPECT(OK, f3dx_cache_fingerprint_from_hex(upper, 64, fingerprint, &err));
  CHECK(fingerprint[1] == 0xff && fingerprint[31] == 0x7e);
  f3dx_cache_fingerprint_to_hex(fingerprint, hex);
  CHECK(strcmp(hex, "00ff10203040506070809000a0b0c0d0e0f0a1b2c3d4e5f60718293a4b5c6d7e") == 0);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(upper, 63, fingerprint, &err));
  CHECK(fingerprint[1] == 0);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(TEXT("xyz"), fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(TEXT("\xff"), fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(NULL, 0, fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(NULL, 64, fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(upper, TOO_LONG, fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint_from_hex(upper, 64, NULL, &err));
}

static void to_hex_survives_null(void) {
  uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN] = {0};
  char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
  memset(hex, 'x', sizeof hex);
  f3dx_cache_fingerprint_to_hex(NULL, hex);
  CHECK(strcmp(hex, "") == 0);
  f3dx_cache_fingerprint_to_hex(fingerprint, NULL);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache_buffer out = garbage();
  uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
  EXPECT(INVALID_JSON, f3dx_cache_canonicalize(NULL, 0, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "json is NULL", f3dx_cache_canonicalize(NULL, 2, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "json_len", f3dx_cache_canonicalize("{}", TOO_LONG, &out, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "out_json", f3dx_cache_canonicalize(TEXT("{}"), NULL, &err));
  CHECK(is_empty(out));
  EXPECT(INVALID_JSON, f3dx_cache_fingerprint(NULL, TEXT(NOT_UTF8), fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint(NULL, NULL, 2, fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint(NULL, "{}", TOO_LONG, fingerprint, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_fingerprint(NULL, TEXT("{}"), NULL, &err));
}

static void without_a_policy_a_cache_has_the_pure_fingerprint(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "pure.redb", NULL);
  uint8_t pure[F3DX_CACHE_FINGERPRINT_LEN], address[F3DX_CACHE_FINGERPRINT_LEN];
  EXPECT(OK, f3dx_cache_fingerprint(NULL, TEXT("{\"n\": 1.0}"), pure, &err));
  EXPECT(OK, f3dx_cache_fingerprint(cache, TEXT("{\"n\":1}"), address, &err));
  CHECK(memcmp(pure, address, sizeof pure) == 0);
  f3dx_cache_close(cache);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  every_vector_holds(argv[1]);
  hex_is_read_and_spelled();
  to_hex_survives_null();
  wrong_arguments_are_refused();
  without_a_policy_a_cache_has_the_pure_fingerprint();
  return 0;
}

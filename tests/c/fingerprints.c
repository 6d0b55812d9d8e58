/* Canonical form and fingerprints: the vectors of every language, and misuse. */

#include "check.h"

/* One vector: input, canonical form, fingerprint and error, in hex but for the
   last; "-" is none. tests/c.rs writes them one word each, from
   fixtures/fingerprints.jsonl. */
typedef struct {
  char *words[4];
} vector;

static char *read_all(const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
  long size = ftell(file);
  CHECK(size > 0 && fseek(file, 0, SEEK_SET) == 0);
  char *text = malloc((size_t)size + 1);
  CHECK(text != NULL && fread(text, 1, (size_t)size, file) == (size_t)size);
  text[size] = '\0';
  CHECK(fclose(file) == 0);
  return text;
}

static int next_vector(vector *out) {
  for (int i = 0; i < 4; i++) {
    out->words[i] = strtok(NULL, " \n");
    if (out->words[i] == NULL) return 0;
  }
  return 1;
}

/* Turns hex into bytes in place; "-" is no bytes. */
static size_t unhex(char *hex) {
  size_t len = strlen(hex) / 2;
  for (size_t i = 0; i < len; i++) {
    char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
    hex[i] = (char)strtoul(digits, NULL, 16);
  }
  return len;
}

static void every_vector_holds(const char *path) {
  char *text = read_all(path);
  vector v;
  size_t seen = 0;
  for (strtok(text, "\n"); next_vector(&v); seen++) {
    size_t input_len = unhex(v.words[0]), canonical_len = unhex(v.words[1]);
    f3dx_cache_buffer canonical = garbage();
    uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
    memset(fingerprint, 0xa5, sizeof fingerprint);
    if (strcmp(v.words[3], "-") == 0) {
      char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
      EXPECT(OK, f3dx_cache_canonicalize(v.words[0], input_len, &canonical, &err));
      CHECK(holds(&canonical, v.words[1], canonical_len));
      EXPECT(OK, f3dx_cache_fingerprint(NULL, v.words[0], input_len, fingerprint, &err));
      f3dx_cache_fingerprint_to_hex(fingerprint, hex);
      CHECK(strcmp(hex, v.words[2]) == 0);
    } else {
      f3dx_cache_error *error = NULL;
      CHECK(f3dx_cache_canonicalize(v.words[0], input_len, &canonical, &error) ==
            F3DX_CACHE_STATUS_INVALID_JSON);
      CHECK(is_empty(canonical));
      CHECK(strcmp(f3dx_cache_error_json_kind(error), v.words[3]) == 0);
      f3dx_cache_error_free(error);
      EXPECT(INVALID_JSON,
             f3dx_cache_fingerprint(NULL, v.words[0], input_len, fingerprint, &err));
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

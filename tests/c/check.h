/* What the tests in C share: every call is checked, and its error with it. */

#ifndef CHECK_H
#define CHECK_H

#include "f3dx_cache.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) fail(__FILE__, __LINE__, #condition);                    \
  } while (0)

/* The call has this status, and an error if and only if it failed. */
#define EXPECT(NAME, call)                                                     \
  expect(F3DX_CACHE_STATUS_##NAME, (call), "", __FILE__, __LINE__, #call)

/* The call fails with this status and with a message that holds `text`. */
#define EXPECT_SAYS(NAME, text, call)                                          \
  expect(F3DX_CACHE_STATUS_##NAME, (call), text, __FILE__, __LINE__, #call)

/* A literal, and its length. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

/* Bytes that are not UTF-8, inside a string that is JSON otherwise. */
#define NOT_UTF8 "{\"a\":\"\xff\"}"

/* Longer than any object: the library must not begin to read. */
#define TOO_LONG (SIZE_MAX - 7)

/* Whether this runs under AddressSanitizer, as by `make sanitize`. */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* The err of every call; written before `expect` sees it. */
static f3dx_cache_error *err;

/* Which case of a table is tried. */
static const char *testing = "";

static inline void fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: %s %s\n", file, line, what, testing);
  exit(1);
}

static inline void expect(f3dx_cache_status wanted, f3dx_cache_status got,
                          const char *text, const char *file, int line,
                          const char *call) {
  const char *message = f3dx_cache_error_message(err);
  if (got != wanted) {
    fprintf(stderr, "%s instead of %s, \"%s\"\n", f3dx_cache_status_name(got),
            f3dx_cache_status_name(wanted), message);
    fail(file, line, call);
  }
  if ((got < 0) != (err != NULL)) fail(file, line, "an error for a failure only");
  if (f3dx_cache_error_status(err) != (got < 0 ? got : F3DX_CACHE_STATUS_OK))
    fail(file, line, "the error has the status of the call");
  if (got < 0 && (message[0] == '\0' || strstr(message, text) == NULL)) {
    fprintf(stderr, "\"%s\" does not say \"%s\"\n", message, text);
    fail(file, line, call);
  }
  f3dx_cache_error_free(err);
  err = NULL;
}

/* A variable as the caller of C may leave it: the library must write it. */
static inline f3dx_cache_buffer garbage(void) {
  f3dx_cache_buffer buffer;
  memset(&buffer, 0xa5, sizeof buffer);
  return buffer;
}

static inline int is_empty(f3dx_cache_buffer buffer) {
  return buffer.data == NULL && buffer.len == 0 && buffer.owner == NULL;
}

/* Whether a buffer holds these bytes; releases it. */
static inline int holds(f3dx_cache_buffer *buffer, const char *bytes,
                        size_t len) {
  int same = buffer->data != NULL && buffer->len == len &&
             (len == 0 || memcmp(buffer->data, bytes, len) == 0);
  if (!same)
    fprintf(stderr, "found %.*s\n", (int)buffer->len, (const char *)buffer->data);
  f3dx_cache_buffer_free(buffer);
  return same;
}

/* Whether a buffer with JSON, and so with a NUL, holds this text. */
static inline int tells(const f3dx_cache_buffer *json, const char *text) {
  int told = json->data != NULL && json->data[json->len] == '\0' &&
             strlen((const char *)json->data) == json->len &&
             strstr((const char *)json->data, text) != NULL;
  if (!told) fprintf(stderr, "found %.*s\n", (int)json->len, (const char *)json->data);
  return told;
}

static inline f3dx_cache *open_in(uint32_t mode, const char *path,
                                  const char *options_json) {
  f3dx_cache *cache = NULL;
  f3dx_cache_options options;
  EXPECT(OK, f3dx_cache_options_init(&options, sizeof options));
  options.mode = mode;
  options.options_json = options_json;
  EXPECT(OK, f3dx_cache_open(path, &options, &cache, &err));
  CHECK(cache != NULL);
  return cache;
}

static inline void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL);
  CHECK(fwrite(text, 1, strlen(text), file) == strlen(text));
  CHECK(fclose(file) == 0);
}

#endif

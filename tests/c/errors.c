/* Statuses, errors, buffers and versions. */

#include "check.h"

static void every_status_has_a_name(void) {
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_OK), "OK") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_WAIT), "WAIT") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_INVALID_JSON), "INVALID_JSON") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_PANIC), "PANIC") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_DIFFERENT), "DIFFERENT") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_CALLBACK), "CALLBACK") == 0);
  CHECK(strcmp(f3dx_cache_status_name(F3DX_CACHE_STATUS_INVALID_ROW), "INVALID_ROW") == 0);
  CHECK(strcmp(f3dx_cache_status_name(6), "UNKNOWN") == 0);
  CHECK(strcmp(f3dx_cache_status_name(INT32_MIN), "UNKNOWN") == 0);
}

static void the_library_is_the_one_of_the_header(void) {
  CHECK(f3dx_cache_abi_version() == F3DX_CACHE_ABI_VERSION);
  CHECK(strchr(f3dx_cache_version(), '.') != NULL);
}

static void no_error_is_ok_and_says_nothing(void) {
  CHECK(f3dx_cache_error_status(NULL) == F3DX_CACHE_STATUS_OK);
  CHECK(strcmp(f3dx_cache_error_message(NULL), "") == 0);
  CHECK(f3dx_cache_error_json_kind(NULL) == NULL);
  CHECK(f3dx_cache_error_json_at(NULL) == 0);
  f3dx_cache_error_free(NULL);
}

static void an_error_outlives_what_it_is_about(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "late.redb", NULL);
  f3dx_cache_error *first = NULL, *second = NULL;
  f3dx_cache_buffer out;
  CHECK(f3dx_cache_lookup(cache, TEXT("[1,]"), &out, &first) < 0);
  CHECK(f3dx_cache_lookup(cache, TEXT("{\"a\":1,\"a\":2}"), &out, &second) < 0);
  f3dx_cache_close(cache);

  CHECK(f3dx_cache_error_status(first) == F3DX_CACHE_STATUS_INVALID_JSON);
  CHECK(strcmp(f3dx_cache_error_json_kind(first), "syntax") == 0);
  CHECK(f3dx_cache_error_json_at(first) == 3);
  CHECK(strcmp(f3dx_cache_error_json_kind(second), "duplicate_key") == 0);
  CHECK(strstr(f3dx_cache_error_message(second), "at byte 7") != NULL);
  f3dx_cache_error_free(second);
  f3dx_cache_error_free(first);
}

static void an_error_that_is_not_about_json_has_no_byte(void) {
  f3dx_cache_error *error = NULL;
  CHECK(f3dx_cache_flush(NULL, &error) == F3DX_CACHE_STATUS_INVALID_ARGUMENT);
  CHECK(f3dx_cache_error_json_kind(error) == NULL);
  CHECK(f3dx_cache_error_json_at(error) == 0);
  f3dx_cache_error_free(error);
}

static void the_status_is_enough_for_who_wants_no_error(void) {
  f3dx_cache_buffer out = garbage();
  CHECK(f3dx_cache_canonicalize(TEXT("["), &out, NULL) == F3DX_CACHE_STATUS_INVALID_JSON);
  CHECK(is_empty(out));
}

static void an_error_variable_is_emptied_by_a_success(void) {
  f3dx_cache_error *stale = (f3dx_cache_error *)(uintptr_t)0xa5a5;
  f3dx_cache_buffer out;
  CHECK(f3dx_cache_canonicalize(TEXT("[]"), &out, &stale) == F3DX_CACHE_STATUS_OK);
  CHECK(stale == NULL);
  f3dx_cache_buffer_free(&out);
}

static void a_buffer_is_freed_twice_without_harm(void) {
  f3dx_cache_buffer out = garbage();
  EXPECT(OK, f3dx_cache_canonicalize(TEXT("[ 1 ]"), &out, &err));
  CHECK(tells(&out, "[1]"));
  f3dx_cache_buffer_free(&out);
  CHECK(is_empty(out));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_buffer_free(NULL);
}

int main(void) {
  every_status_has_a_name();
  the_library_is_the_one_of_the_header();
  no_error_is_ok_and_says_nothing();
  an_error_outlives_what_it_is_about();
  an_error_that_is_not_about_json_has_no_byte();
  the_status_is_enough_for_who_wants_no_error();
  an_error_variable_is_emptied_by_a_success();
  a_buffer_is_freed_twice_without_harm();
  return 0;
}

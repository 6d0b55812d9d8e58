/* Opening and closing, options, sessions. */

#include "check.h"

/* What a newer header may pass. */
typedef struct {
  f3dx_cache_options options;
  uint64_t newer;
} newer_options;

static f3dx_cache_options defaults(void) {
  f3dx_cache_options options;
  memset(&options, 0xa5, sizeof options);
  EXPECT(OK, f3dx_cache_options_init(&options, sizeof options));
  return options;
}

static void options_begin_as_the_defaults(void) {
  f3dx_cache_options options = defaults();
  CHECK(options.struct_size == sizeof options);
  CHECK(options.mode == F3DX_CACHE_MODE_DEFAULT);
  CHECK(options.lock_timeout_ms == 0 && options.max_bytes == 0);
  CHECK(options.ignore_paths == NULL && options.options_json == NULL);
}

static void options_of_a_wrong_size_are_refused(void) {
  f3dx_cache_options options;
  f3dx_cache *cache = NULL;
  size_t sizes[] = {0, 1, sizeof options - 1, 1 << 20, SIZE_MAX};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    CHECK(f3dx_cache_options_init(&options, sizes[i]) == F3DX_CACHE_STATUS_INVALID_ARGUMENT);
    options = defaults();
    options.struct_size = sizes[i];
    EXPECT_SAYS(INVALID_ARGUMENT, "struct_size",
                f3dx_cache_open("size.redb", &options, &cache, &err));
  }
  CHECK(f3dx_cache_options_init(NULL, sizeof options) == F3DX_CACHE_STATUS_INVALID_ARGUMENT);
}

static void newer_options_are_taken_where_they_are_the_default(void) {
  newer_options newer;
  f3dx_cache *cache = NULL;
  memset(&newer, 0xa5, sizeof newer);
  EXPECT(OK, f3dx_cache_options_init(&newer.options, sizeof newer));
  CHECK(newer.newer == 0);
  EXPECT(OK, f3dx_cache_open("newer.redb", &newer.options, &cache, &err));
  f3dx_cache_close(cache);
  newer.newer = 1;
  EXPECT_SAYS(INVALID_ARGUMENT, "does not know",
              f3dx_cache_open("newer.redb", &newer.options, &cache, &err));
}

static void a_cache_is_made_and_opened_again(void) {
  f3dx_cache *cache = NULL;
  EXPECT(OK, f3dx_cache_open("made.redb", NULL, &cache, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("{}"), TEXT("answer"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_flush(cache, &err));
  f3dx_cache_close(cache);

  f3dx_cache_buffer answer;
  cache = open_in(F3DX_CACHE_MODE_REPLAY, "made.redb", NULL);
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("{}"), &answer, &err));
  CHECK(holds(&answer, TEXT("answer")));
  EXPECT(OK, f3dx_cache_release_snapshot(cache, &err));
  EXPECT(OK, f3dx_cache_flush(cache, &err));
  f3dx_cache_close(cache);
  f3dx_cache_close(NULL);
}

static void wrong_arguments_are_refused(void) {
  f3dx_cache *cache = (f3dx_cache *)(uintptr_t)0xa5a5;
  EXPECT_SAYS(INVALID_ARGUMENT, "path is NULL", f3dx_cache_open(NULL, NULL, &cache, &err));
  CHECK(cache == NULL);
  EXPECT_SAYS(INVALID_ARGUMENT, "out_cache", f3dx_cache_open("x.redb", NULL, NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "UTF-8", f3dx_cache_open("\xff.redb", NULL, &cache, &err));
  EXPECT_SAYS(CONFIG, "empty", f3dx_cache_open("", NULL, &cache, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "cache is NULL", f3dx_cache_flush(NULL, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "cache is NULL", f3dx_cache_release_snapshot(NULL, &err));
  f3dx_cache_options options = defaults();
  options.mode = 7;
  EXPECT_SAYS(INVALID_ARGUMENT, "unknown mode 7",
              f3dx_cache_open("x.redb", &options, &cache, &err));
  CHECK(fopen("x.redb", "rb") == NULL);
}

static void a_file_that_cannot_be_used_says_why(void) {
  f3dx_cache *cache = NULL;
  f3dx_cache_options options = defaults();
  options.mode = F3DX_CACHE_MODE_REPLAY;
  EXPECT_SAYS(IO, "no cache file", f3dx_cache_open("missing.redb", &options, &cache, &err));
  EXPECT(IO, f3dx_cache_open("no/such/folder/x.redb", &options, &cache, &err));
  write_file("garbage.redb", "this is a letter, and no cache at all\n");
  EXPECT_SAYS(CORRUPT, "garbage.redb", f3dx_cache_open("garbage.redb", &options, &cache, &err));
  CHECK(cache == NULL);
}

static void json_options_are_checked(void) {
  static const struct {
    const char *json;
    f3dx_cache_status status;
    const char *says;
  } cases[] = {
      {"{\"hosts\": [\"localhost:8080\"]}", F3DX_CACHE_STATUS_OK, ""},
      {"{}", F3DX_CACHE_STATUS_OK, ""},
      {"", F3DX_CACHE_STATUS_INVALID_JSON, "byte 0"},
      {"{\"hosts\": [}", F3DX_CACHE_STATUS_INVALID_JSON, "byte 11"},
      {NOT_UTF8, F3DX_CACHE_STATUS_INVALID_JSON, "byte 6"},
      {"[]", F3DX_CACHE_STATUS_CONFIG, "options"},
      {"{\"hots\": []}", F3DX_CACHE_STATUS_CONFIG, "hots"},
      {"{\"mode\": \"once\"}", F3DX_CACHE_STATUS_CONFIG, "once"},
      {"{\"mode\": \"replay\"}", F3DX_CACHE_STATUS_CONFIG, "mode is given twice"},
      {"{\"mode\": \"record\"}", F3DX_CACHE_STATUS_OK, ""},
      {"{\"max_bytes\": 1}", F3DX_CACHE_STATUS_CONFIG, "max_bytes is given twice"},
      {"{\"lock_timeout_ms\": 1}", F3DX_CACHE_STATUS_CONFIG, "lock_timeout_ms is given twice"},
      {"{\"path\": \"other.redb\"}", F3DX_CACHE_STATUS_CONFIG, "two paths"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    f3dx_cache *cache = NULL;
    f3dx_cache_options options = defaults();
    options.mode = F3DX_CACHE_MODE_RECORD;
    options.max_bytes = 1 << 30;
    options.lock_timeout_ms = 5000;
    options.options_json = cases[i].json;
    expect(cases[i].status, f3dx_cache_open("json.redb", &options, &cache, &err),
           cases[i].says, __FILE__, __LINE__, cases[i].json);
    f3dx_cache_close(cache);
  }
}

static void ignore_paths_are_an_array_of_pointers(void) {
  static const char *wrong[] = {"{}", "[1]", "\"/a\""};
  f3dx_cache *cache = NULL;
  f3dx_cache_options options = defaults();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    options.ignore_paths = wrong[i];
    EXPECT_SAYS(CONFIG, "ignore_paths", f3dx_cache_open("ignore.redb", &options, &cache, &err));
  }
  options.ignore_paths = "[";
  EXPECT(INVALID_JSON, f3dx_cache_open("ignore.redb", &options, &cache, &err));
  options.ignore_paths = "[\"/metadata\"]";
  options.options_json = "{\"ignore\": [\"/user\"]}";
  EXPECT_SAYS(CONFIG, "ignore is given twice",
              f3dx_cache_open("ignore.redb", &options, &cache, &err));
  options.options_json = NULL;
  EXPECT(OK, f3dx_cache_open("ignore.redb", &options, &cache, &err));
  f3dx_cache_close(cache);
}

static void a_file_is_not_grown_beyond_max_bytes(void) {
  f3dx_cache *cache = NULL;
  f3dx_cache_options options = defaults();
  options.max_bytes = 1;
  EXPECT(OK, f3dx_cache_open("full.redb", &options, &cache, &err));
  EXPECT_SAYS(FULL, "max_bytes",
              f3dx_cache_put(cache, TEXT("{}"), TEXT("answer"), NULL, 0, NULL, &err));
  f3dx_cache_close(cache);
}

static void a_test_hook_takes_its_settings_from_the_configuration(void) {
  f3dx_cache_buffer json;
  write_file("f3dx-cache.toml", "path = 'configured.redb'\nmode = 'read_only'\n");
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_TEST, NULL, NULL);
  EXPECT(OK, f3dx_cache_get_settings(cache, &json, &err));
  CHECK(tells(&json, "configured.redb\""));
  CHECK(tells(&json, "\"mode\":\"read_only\""));
  CHECK(tells(&json, "f3dx-cache.toml"));
  f3dx_cache_buffer_free(&json);
  f3dx_cache_close(cache);

  cache = open_in(F3DX_CACHE_MODE_TEST, "named.redb", "{\"mode\": \"replay\"}");
  EXPECT(OK, f3dx_cache_get_settings(cache, &json, &err));
  CHECK(tells(&json, "named.redb\"") && tells(&json, "\"mode\":\"replay\""));
  f3dx_cache_buffer_free(&json);
  f3dx_cache_close(cache);
  CHECK(remove("f3dx-cache.toml") == 0);
}

static uint64_t hits(const f3dx_cache *cache) {
  f3dx_cache_stats stats;
  stats.struct_size = sizeof stats;
  EXPECT(OK, f3dx_cache_get_stats(cache, &stats, &err));
  return stats.hits;
}

static void a_session_counts_for_itself_and_outlives_its_cache(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "session.redb", NULL), *session = NULL;
  f3dx_cache_buffer answer;
  EXPECT(OK, f3dx_cache_session(cache, TEXT("t::one"), TEXT("ctest"), &session, &err));
  EXPECT(OK, f3dx_cache_put(session, TEXT("{}"), TEXT("a"), NULL, 0, NULL, &err));
  EXPECT(OK, f3dx_cache_lookup(session, TEXT("{}"), &answer, &err));
  f3dx_cache_buffer_free(&answer);
  CHECK(hits(session) == 1 && hits(cache) == 0);
  f3dx_cache_close(cache);
  EXPECT(OK, f3dx_cache_lookup(session, TEXT("{}"), &answer, &err));
  CHECK(holds(&answer, TEXT("a")));
  EXPECT(OK, f3dx_cache_explain_miss(session, TEXT("[]"), &answer, &err));
  CHECK(tells(&answer, "\"command\":\"ctest\""));
  f3dx_cache_buffer_free(&answer);
  f3dx_cache_close(session);
}

static void wrong_sessions_are_refused(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "session.redb", NULL), *session = NULL;
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(NULL, NULL, 0, NULL, 0, &session, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(cache, NULL, 1, NULL, 0, &session, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(cache, TEXT("\xff"), NULL, 0, &session, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(cache, NULL, 0, TEXT("\xff"), &session, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(cache, "t", TOO_LONG, NULL, 0, &session, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_session(cache, NULL, 0, NULL, 0, NULL, &err));
  CHECK(session == NULL);
  EXPECT(OK, f3dx_cache_session(cache, NULL, 0, NULL, 0, &session, &err));
  f3dx_cache_close(session);
  f3dx_cache_close(cache);
}

int main(void) {
  options_begin_as_the_defaults();
  options_of_a_wrong_size_are_refused();
  newer_options_are_taken_where_they_are_the_default();
  a_cache_is_made_and_opened_again();
  wrong_arguments_are_refused();
  a_file_that_cannot_be_used_says_why();
  json_options_are_checked();
  ignore_paths_are_an_array_of_pointers();
  a_file_is_not_grown_beyond_max_bytes();
  a_test_hook_takes_its_settings_from_the_configuration();
  a_session_counts_for_itself_and_outlives_its_cache();
  wrong_sessions_are_refused();
  return 0;
}

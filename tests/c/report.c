/* Counters, summary, settings, refused misses, warnings. */

#include "check.h"

#define ANSWER                                                                 \
  "{\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[],"                    \
  "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}"

static void counters_count(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "stats.redb", NULL);
  f3dx_cache_stats stats;
  f3dx_cache_buffer out;
  EXPECT(MISS, f3dx_cache_lookup(cache, TEXT("{}"), &out, &err));
  EXPECT(OK, f3dx_cache_put(cache, TEXT("{}"), TEXT(ANSWER), TEXT("{\"response_duration_ms\":70}"),
                            NULL, &err));
  EXPECT(OK, f3dx_cache_lookup(cache, TEXT("{}"), &out, &err));
  f3dx_cache_buffer_free(&out);
  memset(&stats, 0xa5, sizeof stats);
  stats.struct_size = sizeof stats;
  EXPECT(OK, f3dx_cache_get_stats(cache, &stats, &err));
  CHECK(stats.struct_size == sizeof stats);
  CHECK(stats.entries == 1 && stats.hits == 1 && stats.misses == 1);
  CHECK(stats.bytes_requests == 2 && stats.bytes_responses == sizeof ANSWER - 1);
  CHECK(stats.file_bytes > 0 && stats.format_version >= 1 && stats.reserved == 0);

  EXPECT(OK, f3dx_cache_get_summary(cache, &out, &err));
  CHECK(tells(&out, "\"hits\":1") && tells(&out, "\"recorded\":1"));
  CHECK(tells(&out, "\"tokens_saved_input\":9") && tells(&out, "\"time_saved_ms\":70"));
  CHECK(tells(&out, "\"text\":\"f3dx-cache: 1 hit, 1 miss, 1 recorded, 0 refused"));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_close(cache);
}

static void summaries_are_added_up(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_REPLAY, "stats.redb", NULL);
  f3dx_cache_buffer out = garbage();
  const char *two = "[{\"hits\":1,\"text\":\"is made anew\"},{\"hits\":2,\"refused\":1,"
                    "\"refusals\":[{\"call\":\"POST x\",\"why\":\"status 429\",\"times\":1}]}]";
  EXPECT(OK, f3dx_cache_merge_summaries(cache, two, strlen(two), &out, &err));
  CHECK(tells(&out, "\"hits\":3") && tells(&out, "\"text\":\"f3dx-cache: 3 hits"));
  CHECK(tells(&out, "(replay, stats.redb)\\nnot recorded: POST x: status 429"));
  f3dx_cache_buffer_free(&out);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_merge_summaries(cache, TEXT("{}"), &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_merge_summaries(cache, NULL, 1, &out, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_merge_summaries(cache, TEXT("[]"), NULL, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_merge_summaries(NULL, TEXT("[]"), &out, &err));
  CHECK(is_empty(out));
  f3dx_cache_close(cache);
}

static void the_variables_that_matter_are_listed(void) {
  f3dx_cache_buffer json = garbage();
  EXPECT(OK, f3dx_cache_get_variables(&json, &err));
  CHECK(tells(&json, "\"F3DX_CACHE_MODE\"") && tells(&json, "\"OLLAMA_HOST\""));
  CHECK(tells(&json, "\"OPENAI_API_KEY\"") && tells(&json, "\"ANTHROPIC_BASE_URL\""));
  f3dx_cache_buffer_free(&json);
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_variables(NULL, &err));
}

static void counters_of_another_size_are_filled_or_refused(void) {
  struct {
    f3dx_cache_stats stats;
    uint64_t newer, guard;
  } larger;
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "stats.redb", NULL);
  memset(&larger, 0xa5, sizeof larger);
  larger.stats.struct_size = sizeof larger.stats + sizeof larger.newer;
  EXPECT(OK, f3dx_cache_get_stats(cache, &larger.stats, &err));
  CHECK(larger.stats.struct_size == sizeof larger.stats + sizeof larger.newer);
  CHECK(larger.stats.entries == 1 && larger.newer == 0 && larger.guard == 0xa5a5a5a5a5a5a5a5);

  memset(&larger, 0xa5, sizeof larger);
  larger.stats.struct_size = sizeof larger.stats - 1;
  EXPECT_SAYS(INVALID_ARGUMENT, "struct_size", f3dx_cache_get_stats(cache, &larger.stats, &err));
  CHECK(larger.stats.entries == 0xa5a5a5a5a5a5a5a5);
  larger.stats.struct_size = SIZE_MAX;
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_stats(cache, &larger.stats, &err));
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_stats(cache, NULL, &err));
  larger.stats.struct_size = sizeof larger.stats;
  EXPECT(INVALID_ARGUMENT, f3dx_cache_get_stats(NULL, &larger.stats, &err));
  CHECK(larger.stats.entries == 0);
  f3dx_cache_close(cache);
}

static void settings_say_which_mode_and_why(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_READ_ONLY, "stats.redb", "{\"replay_timing\":true}");
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_get_settings(cache, &out, &err));
  CHECK(tells(&out, "stats.redb\"") && tells(&out, "\"mode\":\"read_only\""));
  CHECK(tells(&out, "\"mode_reason\":\"option mode\"") && tells(&out, "\"config_file\":null"));
  CHECK(tells(&out, "\"replay_timing\":true"));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_close(cache);
}

static void there_is_nothing_to_tell_at_first(void) {
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "stats.redb", NULL);
  f3dx_cache_buffer out;
  EXPECT(OK, f3dx_cache_get_refused_misses(cache, &out, &err));
  CHECK(tells(&out, "[]"));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_get_warnings(cache, &out, &err));
  CHECK(tells(&out, "[]"));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_close(cache);
}

typedef f3dx_cache_status (*report)(const f3dx_cache *, f3dx_cache_buffer *, f3dx_cache_error **);

static void wrong_arguments_are_refused(void) {
  static const report reports[] = {f3dx_cache_get_summary, f3dx_cache_get_settings,
                                   f3dx_cache_get_refused_misses, f3dx_cache_get_warnings};
  f3dx_cache *cache = open_in(F3DX_CACHE_MODE_RECORD, "stats.redb", NULL);
  for (size_t i = 0; i < sizeof reports / sizeof *reports; i++) {
    f3dx_cache_buffer out = garbage();
    EXPECT_SAYS(INVALID_ARGUMENT, "cache is NULL", reports[i](NULL, &out, &err));
    CHECK(is_empty(out));
    EXPECT_SAYS(INVALID_ARGUMENT, "out_json is NULL", reports[i](cache, NULL, &err));
  }
  f3dx_cache_close(cache);
}

int main(void) {
  counters_count();
  summaries_are_added_up();
  the_variables_that_matter_are_listed();
  counters_of_another_size_are_filled_or_refused();
  settings_say_which_mode_and_why();
  there_is_nothing_to_tell_at_first();
  wrong_arguments_are_refused();
  return 0;
}

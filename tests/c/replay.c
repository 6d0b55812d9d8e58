/* Traces: reading them, running them again, and the report. */

#include "check.h"

static const char TRACES[] =
    "{\"prompt\":\"one\",\"output\":\"1\",\"model\":\"m\"}\n"
    "{\"prompt\":\"two\",\"output\":\n"
    "{\"prompt\":\"three\",\"output\":\"3\"}\n";

/* How often the target was called, and how far the replay came. */
typedef struct {
  const char *says;
  int calls;
  int heard;
  int stop_after;
} run;

static int32_t target(void *userdata, const char *row, size_t row_len, f3dx_cache_reply *reply) {
  run *r = (run *)userdata;
  f3dx_cache_error *mine = NULL;
  r->calls++;
  CHECK(row_len > 2 && row[0] == '{' && row[row_len - 1] == '}');
  if (r->says == NULL) {
    CHECK(f3dx_cache_reply_fail(reply, TEXT("out of order"), &mine) == F3DX_CACHE_STATUS_OK);
    return 1;
  }
  CHECK(f3dx_cache_reply_set(reply, r->says, strlen(r->says), &mine) == F3DX_CACHE_STATUS_OK);
  return 0;
}

static int32_t progress(void *userdata, const char *text, size_t text_len) {
  run *r = (run *)userdata;
  CHECK(text_len > 8 && memcmp(text, "{\"done\":", 8) == 0);
  r->heard++;
  return r->heard == r->stop_after;
}

static f3dx_cache_callbacks against(run *r) {
  f3dx_cache_callbacks callbacks;
  EXPECT(OK, f3dx_cache_callbacks_init(&callbacks, sizeof callbacks));
  callbacks.target = target;
  callbacks.progress = progress;
  callbacks.userdata = r;
  return callbacks;
}

static f3dx_cache_traces *opened(const char *options) {
  f3dx_cache_traces *traces = NULL;
  EXPECT(OK, f3dx_cache_traces_open("t.jsonl", options, strlen(options), &traces, &err));
  CHECK(traces != NULL);
  return traces;
}

static void rows_are_read_and_bad_ones_counted(void) {
  f3dx_cache_buffer out = garbage();
  f3dx_cache_traces *traces = opened("");
  EXPECT(OK, f3dx_cache_traces_next(traces, &out, &err));
  CHECK(tells(&out, "\"line\":1") && tells(&out, "\"output\":\"1\""));
  f3dx_cache_buffer_free(&out);
  EXPECT(OK, f3dx_cache_traces_next(traces, &out, &err));
  CHECK(tells(&out, "\"line\":3") && tells(&out, "\"model\":null"));
  f3dx_cache_buffer_free(&out);
  EXPECT(END, f3dx_cache_traces_next(traces, &out, &err));
  CHECK(is_empty(out));
  EXPECT(OK, f3dx_cache_traces_get_state(traces, &out, &err));
  CHECK(tells(&out, "\"format\":\"plain\"") && tells(&out, "\"bad\":1,"));
  CHECK(tells(&out, "\"line\":2") && tells(&out, "it ends within a value"));
  f3dx_cache_buffer_free(&out);
  f3dx_cache_traces_free(traces);
}

static void a_strict_reader_stops_at_a_bad_row(void) {
  f3dx_cache_buffer out = garbage();
  f3dx_cache_traces *traces = opened("{\"strict\":true}");
  EXPECT(OK, f3dx_cache_traces_next(traces, &out, &err));
  f3dx_cache_buffer_free(&out);
  EXPECT_SAYS(INVALID_ROW, "t.jsonl:2:", f3dx_cache_traces_next(traces, &out, &err));
  EXPECT(END, f3dx_cache_traces_next(traces, &out, &err));
  f3dx_cache_traces_free(traces);
}

static void a_replay_reports_what_changed(void) {
  run r = {"1", 0, 0, -1};
  f3dx_cache_buffer report = garbage(), text = garbage();
  f3dx_cache_callbacks callbacks = against(&r);
  f3dx_cache_traces *traces = opened("");
  EXPECT(DIFFERENT, f3dx_cache_replay(traces, TEXT("{\"concurrency\":1}"), &callbacks, &report, &err));
  CHECK(r.calls == 2 && r.heard >= 2);
  CHECK(tells(&report, "\"verdict\": \"same\"") && tells(&report, "\"verdict\": \"different\""));
  f3dx_cache_traces_free(traces);
  const char *json = (const char *)report.data;
  static const char *const FORMATS[] = {"json", "markdown", "junit", "html"};
  static const char *const BEGINS[] = {"{", "#", "<?xml", "<!doctype html>"};
  for (int i = 0; i < 4; i++) {
    EXPECT(OK, f3dx_cache_report_render(json, report.len, FORMATS[i], strlen(FORMATS[i]), &text,
                                        &err));
    CHECK(strncmp((const char *)text.data, BEGINS[i], strlen(BEGINS[i])) == 0);
    f3dx_cache_buffer_free(&text);
  }
  EXPECT_SAYS(INVALID_ARGUMENT, "pdf",
              f3dx_cache_report_render(json, report.len, TEXT("pdf"), &text, &err));
  CHECK(is_empty(text));
  f3dx_cache_buffer_free(&report);
}

static void a_failing_target_is_rows_of_the_report(void) {
  run r = {NULL, 0, 0, -1};
  f3dx_cache_buffer report = garbage();
  f3dx_cache_callbacks callbacks = against(&r);
  f3dx_cache_traces *traces = opened("");
  EXPECT(DIFFERENT, f3dx_cache_replay(traces, NULL, 0, &callbacks, &report, &err));
  CHECK(tells(&report, "\"verdict\": \"error\"") && tells(&report, "out of order"));
  f3dx_cache_buffer_free(&report);
  f3dx_cache_traces_free(traces);
}

static void progress_may_end_a_replay(void) {
  run r = {"1", 0, 0, 1};
  f3dx_cache_buffer report = garbage();
  f3dx_cache_callbacks callbacks = against(&r);
  f3dx_cache_traces *traces = opened("");
  EXPECT(CALLBACK, f3dx_cache_replay(traces, NULL, 0, &callbacks, &report, &err));
  CHECK(is_empty(report));
  f3dx_cache_traces_free(traces);
}

static void mistakes_are_told(void) {
  f3dx_cache_traces *traces = NULL;
  f3dx_cache_buffer report = garbage();
  f3dx_cache_callbacks none;
  EXPECT(OK, f3dx_cache_callbacks_init(&none, sizeof none));
  EXPECT_SAYS(INVALID_ARGUMENT, "path is NULL",
              f3dx_cache_traces_open(NULL, NULL, 0, &traces, &err));
  EXPECT_SAYS(IO, "none.jsonl", f3dx_cache_traces_open("none.jsonl", NULL, 0, &traces, &err));
  CHECK(traces == NULL);
  EXPECT_SAYS(INVALID_ARGUMENT, "strickt",
              f3dx_cache_traces_open("t.jsonl", TEXT("{\"strickt\":1}"), &traces, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "traces is NULL", f3dx_cache_traces_next(NULL, &report, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "traces is NULL", f3dx_cache_traces_get_state(NULL, &report, &err));
  f3dx_cache_traces_free(NULL);
  traces = opened("");
  EXPECT_SAYS(INVALID_ARGUMENT, "target", f3dx_cache_replay(traces, NULL, 0, &none, &report, &err));
  EXPECT_SAYS(INVALID_ARGUMENT, "target", f3dx_cache_replay(traces, NULL, 0, NULL, &report, &err));
  f3dx_cache_traces_free(traces);
  EXPECT_SAYS(INVALID_ARGUMENT, "report",
              f3dx_cache_report_render(TEXT("{\"version\":1}"), TEXT("html"), &report, &err));
}

int main(void) {
  write_file("t.jsonl", TRACES);
  rows_are_read_and_bad_ones_counted();
  a_strict_reader_stops_at_a_bad_row();
  a_replay_reports_what_changed();
  a_failing_target_is_rows_of_the_report();
  progress_may_end_a_replay();
  mistakes_are_told();
  return 0;
}

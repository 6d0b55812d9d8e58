#include "callback.h"

// The handle travels as a pointer that nobody follows. Only here: Go's stacks must not hold
// a pointer that is none.

static int32_t call(void *userdata, uint32_t endpoint, const char *request, size_t request_len,
                    f3dx_cache_reply *reply) {
  return f3dx_go_call((uintptr_t)userdata, endpoint, request, request_len, reply);
}

static int32_t embed(void *userdata, uint32_t endpoint, const char *request, size_t request_len,
                     f3dx_cache_reply *reply) {
  (void)endpoint;
  return f3dx_go_embed((uintptr_t)userdata, request, request_len, reply);
}

static int32_t target(void *userdata, const char *row, size_t row_len, f3dx_cache_reply *reply) {
  return f3dx_go_target((uintptr_t)userdata, row, row_len, reply);
}

static int32_t progress(void *userdata, const char *news, size_t news_len) {
  return f3dx_go_progress((uintptr_t)userdata, news, news_len);
}

static f3dx_cache_callbacks callbacks_of(int functions, uintptr_t handle, const f3dx_cache *cache) {
  f3dx_cache_callbacks callbacks;
  f3dx_cache_callbacks_init(&callbacks, sizeof callbacks);
  if (functions & F3DX_GO_CALL) callbacks.call = call;
  if (functions & F3DX_GO_EMBED) callbacks.embed = embed;
  if (functions & F3DX_GO_REPLAY) {
    callbacks.target = target;
    callbacks.progress = progress;
  }
  callbacks.userdata = (void *)handle;
  callbacks.cache = cache;
  return callbacks;
}

f3dx_cache_status f3dx_go_diff(const void *before, size_t before_len, const void *after, size_t after_len,
                               const char *options, size_t options_len, const char *question, size_t question_len,
                               int functions, uintptr_t handle, const f3dx_cache *cache,
                               f3dx_cache_buffer *out_json, f3dx_cache_error **err) {
  f3dx_cache_callbacks callbacks = callbacks_of(functions, handle, cache);
  return f3dx_cache_diff(before, before_len, after, after_len, options, options_len, question, question_len,
                         &callbacks, out_json, err);
}

f3dx_cache_status f3dx_go_replay(f3dx_cache_traces *traces, const char *options, size_t options_len, int functions,
                                 uintptr_t handle, const f3dx_cache *cache, f3dx_cache_buffer *out_report,
                                 f3dx_cache_error **err) {
  f3dx_cache_callbacks callbacks = callbacks_of(functions, handle, cache);
  return f3dx_cache_replay(traces, options, options_len, &callbacks, out_report, err);
}

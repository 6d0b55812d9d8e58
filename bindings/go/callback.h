// What Go hands to the library as callbacks: functions of C that call those of Go.

#ifndef F3DX_GO_CALLBACK_H
#define F3DX_GO_CALLBACK_H

#include "f3dx_cache.h"

// Go knows no const.
typedef const char f3dx_go_text;

// Exported by callback.go. `handle` is a cgo.Handle, never 0.
extern int32_t f3dx_go_call(uintptr_t handle, uint32_t endpoint, f3dx_go_text *request, size_t request_len,
                            f3dx_cache_reply *reply);
extern int32_t f3dx_go_embed(uintptr_t handle, f3dx_go_text *request, size_t request_len, f3dx_cache_reply *reply);
extern int32_t f3dx_go_target(uintptr_t handle, f3dx_go_text *row, size_t row_len, f3dx_cache_reply *reply);
extern int32_t f3dx_go_progress(uintptr_t handle, f3dx_go_text *progress, size_t progress_len);

// Which of the functions of Go there are.
enum { F3DX_GO_CALL = 1, F3DX_GO_EMBED = 2, F3DX_GO_REPLAY = 4 };

f3dx_cache_status f3dx_go_diff(const void *before, size_t before_len, const void *after, size_t after_len,
                               const char *options, size_t options_len, const char *question, size_t question_len,
                               int functions, uintptr_t handle, const f3dx_cache *cache,
                               f3dx_cache_buffer *out_json, f3dx_cache_error **err);

f3dx_cache_status f3dx_go_replay(f3dx_cache_traces *traces, const char *options, size_t options_len, int functions,
                                 uintptr_t handle, const f3dx_cache *cache, f3dx_cache_buffer *out_report,
                                 f3dx_cache_error **err);

#endif

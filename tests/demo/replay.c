/* Replays in C what a Python suite recorded: every request of the file is looked up again, as a
   program that asks the same would. Run by `make demo`; the file is the first argument. */

#include <inttypes.h>
#include <stdio.h>

#include "f3dx_cache.h"

static int fail(f3dx_cache_error *err) {
  fprintf(stderr, "%s\n", f3dx_cache_error_message(err));
  f3dx_cache_error_free(err);
  return 1;
}

int main(int argc, char **argv) {
  f3dx_cache_options options;
  f3dx_cache *cache = NULL;
  f3dx_cache_error *err = NULL;
  f3dx_cache_iter *iter = NULL;
  uint8_t key[F3DX_CACHE_FINGERPRINT_LEN];
  uint64_t asked = 0, hits = 0, bytes = 0;

  if (argc != 2) return 2;
  f3dx_cache_options_init(&options, sizeof options);
  options.mode = F3DX_CACHE_MODE_REPLAY;
  if (f3dx_cache_open(argv[1], &options, &cache, &err) < 0) return fail(err);
  if (f3dx_cache_iter_new(cache, &iter, &err) < 0) return fail(err);
  for (;;) {
    f3dx_cache_buffer request = {0}, answer = {0};
    f3dx_cache_status status = f3dx_cache_iter_next(iter, key, NULL, &err);
    if (status == F3DX_CACHE_STATUS_END) break;
    if (status < 0 || f3dx_cache_get_request(cache, key, &request, &err) < 0) return fail(err);
    status = f3dx_cache_lookup(cache, (const char *)request.data, request.len, &answer, &err);
    if (status < 0) return fail(err);
    asked++;
    hits += status == F3DX_CACHE_STATUS_OK;
    bytes += answer.len;
    f3dx_cache_buffer_free(&request);
    f3dx_cache_buffer_free(&answer);
  }
  f3dx_cache_iter_free(iter);
  f3dx_cache_close(cache);
  printf("C asked the %" PRIu64 " requests that Python recorded: %" PRIu64 " hits, %" PRIu64
         " bytes of answers\n", asked, hits, bytes);
  return hits == asked && asked > 0 ? 0 : 1;
}

/* Answers a request from a cache, and from the model where it is not recorded:
 *
 *     example_c <cache file> <request as JSON>
 */

#include <f3dx_cache.h>
#include <stdio.h>
#include <string.h>

static const char *call_the_model(const char *request) {
  (void)request;
  return "{\"answer\":42}";
}

int main(int argc, char **argv) {
  f3dx_cache *cache = NULL;
  f3dx_cache_error *err = NULL;
  f3dx_cache_buffer recorded = {0};
  int failed = 1;
  if (argc != 3) {
    fprintf(stderr, "usage: %s <cache file> <request as JSON>\n", argv[0]);
    return 2;
  }
  const char *request = argv[2];
  if (f3dx_cache_open(argv[1], NULL, &cache, &err) < 0) goto end;
  switch (f3dx_cache_lookup(cache, request, strlen(request), &recorded, &err)) {
  case F3DX_CACHE_STATUS_OK:
    printf("replayed: %.*s\n", (int)recorded.len, (const char *)recorded.data);
    failed = 0;
    break;
  case F3DX_CACHE_STATUS_MISS: {
    const char *answer = call_the_model(request);
    if (f3dx_cache_put(cache, request, strlen(request), answer, strlen(answer), NULL, 0, NULL,
                       &err) < 0)
      break;
    printf("recorded: %s\n", answer);
    failed = 0;
    break;
  }
  default:
    break;
  }
end:
  if (failed) fprintf(stderr, "%s\n", f3dx_cache_error_message(err));
  f3dx_cache_error_free(err);
  f3dx_cache_buffer_free(&recorded);
  f3dx_cache_close(cache);
  return failed;
}

// The header as a C++11 caller uses it: ownership in the types.

#include "f3dx_cache.h"

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

namespace {

struct Release {
  void operator()(f3dx_cache *cache) const { f3dx_cache_close(cache); }
  void operator()(f3dx_cache_error *error) const { f3dx_cache_error_free(error); }
};

struct Buffer : f3dx_cache_buffer {
  Buffer() : f3dx_cache_buffer() {}
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;
  ~Buffer() { f3dx_cache_buffer_free(this); }
  std::string text() const { return std::string(reinterpret_cast<const char *>(data), len); }
};

void check(bool condition, const char *what) {
  if (condition) return;
  std::cerr << what << '\n';
  std::exit(1);
}

}  // namespace

int main() {
  f3dx_cache_options options;
  check(f3dx_cache_options_init(&options, sizeof options) == F3DX_CACHE_STATUS_OK, "init");
  options.mode = F3DX_CACHE_MODE_RECORD;
  f3dx_cache *opened = nullptr;
  check(f3dx_cache_open("cpp.redb", &options, &opened, nullptr) == F3DX_CACHE_STATUS_OK, "open");
  std::unique_ptr<f3dx_cache, Release> cache(opened);

  const std::string request = "{\"model\":\"m\"}", response = "an answer";
  uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
  check(f3dx_cache_put(cache.get(), request.data(), request.size(), response.data(),
                       response.size(), nullptr, 0, fingerprint, nullptr) == F3DX_CACHE_STATUS_OK,
        "put");
  Buffer answer;
  check(f3dx_cache_get(cache.get(), fingerprint, &answer, nullptr) == F3DX_CACHE_STATUS_OK, "get");
  check(answer.text() == response, "the answer");

  f3dx_cache_error *failure = nullptr;
  Buffer none;
  const f3dx_cache_status status = f3dx_cache_lookup(cache.get(), "[", 1, &none, &failure);
  std::unique_ptr<f3dx_cache_error, Release> error(failure);
  check(status == F3DX_CACHE_STATUS_INVALID_JSON, "a failure");
  check(std::string(f3dx_cache_error_json_kind(error.get())) == "syntax", "its kind");
  cache.reset();
  check(std::string(f3dx_cache_error_message(error.get())).find("byte 1") != std::string::npos,
        "its message, after the cache was closed");
}

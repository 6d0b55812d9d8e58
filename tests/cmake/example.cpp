// Lists what a cache holds, or says what is wrong:
//
//     example_cpp <cache file>

#include <f3dx_cache.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

namespace {

struct Release {
  void operator()(f3dx_cache *cache) const { f3dx_cache_close(cache); }
  void operator()(f3dx_cache_iter *walk) const { f3dx_cache_iter_free(walk); }
};

// Throws what a failed call told.
f3dx_cache_status checked(f3dx_cache_status status, f3dx_cache_error *error) {
  const std::string message = f3dx_cache_error_message(error);
  f3dx_cache_error_free(error);
  if (status < 0) throw std::runtime_error(message);
  return status;
}

void list(const char *path) {
  f3dx_cache_error *error = nullptr;
  f3dx_cache_options options;
  f3dx_cache_options_init(&options, sizeof options);
  options.mode = F3DX_CACHE_MODE_READ_ONLY;
  f3dx_cache *opened = nullptr;
  f3dx_cache_status status = f3dx_cache_open(path, &options, &opened, &error);
  checked(status, error);
  const std::unique_ptr<f3dx_cache, Release> cache(opened);

  f3dx_cache_iter *begun = nullptr;
  status = f3dx_cache_iter_new(cache.get(), &begun, &error);
  checked(status, error);
  const std::unique_ptr<f3dx_cache_iter, Release> walk(begun);
  for (;;) {
    uint8_t fingerprint[F3DX_CACHE_FINGERPRINT_LEN];
    char hex[F3DX_CACHE_FINGERPRINT_HEX_LEN];
    status = f3dx_cache_iter_next(walk.get(), fingerprint, nullptr, &error);
    if (checked(status, error) == F3DX_CACHE_STATUS_END) return;
    f3dx_cache_fingerprint_to_hex(fingerprint, hex);
    std::cout << hex << '\n';
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " <cache file>\n";
    return 2;
  }
  try {
    list(argv[1]);
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}

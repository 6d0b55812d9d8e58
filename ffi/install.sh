#!/bin/sh
# Installs the C library that stands in a folder of cargo's:
#
#     PREFIX=/usr/local DESTDIR= ffi/install.sh target/release
#
# DESTDIR is put before every path, for packagers; it is not recorded anywhere.
set -eu

built=${1:?usage: PREFIX=... [DESTDIR=...] ffi/install.sh <folder with the libraries>}
here=$(cd "$(dirname "$0")" && pwd)
prefix=${PREFIX:-/usr/local}
case $prefix in
/*) ;;
*) prefix=$(pwd)/$prefix ;;
esac
to=${DESTDIR:-}$prefix

version=$(sed -n '/^\[workspace.package\]/,/^version/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
abi=$(sed -n 's/^#define F3DX_CACHE_ABI_VERSION //p' "$here/../include/f3dx_cache.h")

install -d "$to/include" "$to/lib/pkgconfig"
install -m 644 "$here/../include/f3dx_cache.h" "$to/include/"
install -m 644 "$built/libf3dx_cache.a" "$to/lib/"
install -m 755 "$built/libf3dx_cache.so" "$to/lib/libf3dx_cache.so.$abi"
ln -sf "libf3dx_cache.so.$abi" "$to/lib/libf3dx_cache.so"
cat >"$to/lib/pkgconfig/f3dx_cache.pc" <<EOF
prefix=$prefix
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: f3dx_cache
Description: Records LLM responses once and replays them by content
Version: $version
Cflags: -I\${includedir}
Libs: -L\${libdir} -lf3dx_cache
Libs.private: -lpthread -ldl -lm
EOF
cmake=$to/lib/cmake/f3dx_cache
install -d "$cmake"
install -m 644 "$here/cmake/f3dx_cacheConfig.cmake" "$cmake/"
# While the major version is 0, a minor version may change anything.
cat >"$cmake/f3dx_cacheConfigVersion.cmake" <<EOF
set(PACKAGE_VERSION "$version")
set(_f3dx_cache_wanted "\${PACKAGE_FIND_VERSION_MAJOR}.\${PACKAGE_FIND_VERSION_MINOR}")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
if(NOT PACKAGE_FIND_VERSION OR
   (NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION AND _f3dx_cache_wanted STREQUAL "${version%.*}"))
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
EOF
echo "installed f3dx_cache $version under $to"

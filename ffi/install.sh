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
echo "installed f3dx_cache $version under $to"

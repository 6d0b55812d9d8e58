# Included by the Makefile: the C library under PREFIX.

PREFIX ?= /usr/local

.PHONY: install
install: ## Install the C library, its header, pkg-config and CMake files (PREFIX=, DESTDIR=)
	$(CARGO) build --release -p f3dx_cache
	PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" sh ffi/install.sh "$${CARGO_TARGET_DIR:-target}/release"

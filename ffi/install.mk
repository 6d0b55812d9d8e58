# Included by the Makefile: the C library under PREFIX.

PREFIX ?= /usr/local
CARGO ?= cargo

.PHONY: install
install: ## install the C library, its header and its pkg-config file (PREFIX=, DESTDIR=)
	$(CARGO) build --release --package f3dx_cache
	PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" sh ffi/install.sh "$${CARGO_TARGET_DIR:-target}/release"

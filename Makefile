# `make` lists the targets. Nothing else has to be installed first: the targets make
# their own virtual environment and install from the registries.

PYTHON ?= python3
CARGO ?= cargo
NPM ?= npm
VENV := .venv
BIN := $(VENV)/bin
# No part of the repository needs it but `make fuzz`.
CARGO_FUZZ_VERSION := 0.13.1
CARGO_FUZZ := build/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
# A static model of 16 MB that a package ships; no other test needs it.
ENCODER := build/encoder
ENCODER_PACKAGE := wordllama==0.4.0.post1
NODE_TOOLS := bindings/node/node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: help build demo test test-rust test-python test-node test-together test-report test-encoder chromium torture fuzz sanitize bench lint fmt \
	header python node clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: go ## Build the C library, the Go, the Python and the npm package
	$(MAKE) python node

demo: python node go ## Record and replay through real SDKs against a local mock provider
	$(BIN)/python tests/demo

test: test-rust test-python test-node test-go test-together test-report ## Run every test of every language

test-rust: python go node ## Run the tests of the core, of the C library and of what crosses languages
	$(CARGO) test --workspace

test-python: python ## Run the tests of the Python package and of the mock provider
	$(BIN)/python -m pytest -q tests/mock_provider
	cd bindings/python/tests && ../../../$(BIN)/python -m pytest -q

test-node: node python ## Run the tests of the npm package, and of Node and Python on one file
	cd bindings/node && $(NPM) run -s test

test-together: python node go ## Run pytest, Vitest and go test on one file
	cd tests && ../$(BIN)/python -m pytest -q -p no:asyncio demo/test_together.py

test-report: $(VENV)/tools ## Open the page of a report in Chromium, and read its JUnit XML
	cd tests/report && ../../$(BIN)/python -m pytest -q -p no:asyncio

chromium: ## Install the browser of `test-report` where that needs no password
	tests/report/install-chromium

test-encoder: $(ENCODER)/tokenizer.json ## Run the tests of the local encoder with a model from a package
	F3DX_TEST_ENCODER=$(CURDIR)/$(ENCODER) $(CARGO) test -p f3dx_cache_core --features encoder \
		--lib --test encoder -- --include-ignored encoder

torture: export TORTURE_REPORT = $(CURDIR)/target/torture.jsonl
torture: python go node ## Run the proofs of trust with their full counts, and print a table
	rm -f $(TORTURE_REPORT)
	$(CARGO) test --release -p f3dx_cache_tests --no-fail-fast; status=$$?; \
		$(CARGO) run --release -q -p f3dx_cache_tests --bin torture_table -- $(TORTURE_REPORT); exit $$status

fuzz: $(CARGO_FUZZ) ## Run each fuzz target for SECONDS (60) under AddressSanitizer
	tests/fuzz/run $(CARGO_FUZZ) $(or $(SECONDS),60) $(TARGETS)

sanitize: ## Run the tests of memory under AddressSanitizer and LeakSanitizer
	SANITIZE=address $(CARGO) test -p f3dx_cache_tests --test c -- --skip an_installed_library
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address $(CARGO) test --target host-tuple \
		--target-dir target/sanitize-address -p f3dx_cache_core -p f3dx_cache_tests \
		--lib --test cache --test exchange --test damage --test stress --test fuzzed

bench: python node ## Measure, as ratios to a named reference in the same run
	$(CARGO) bench -p f3dx_cache_bench
	$(BIN)/python bench/python/compare.py
	node bench/node/compare.mjs
	$(CARGO) build --release -q -p f3dx_cache_tests --bin read_traces
	$(BIN)/python bench/traces/compare.py
	$(MAKE) bench-go

lint: $(VENV)/tools node lint-go ## Check formatting and lints of every language
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd bindings/node && $(NPM) run -s lint

fmt: $(VENV)/tools $(NODE_TOOLS) fmt-go ## Format every language
	$(CARGO) fmt --all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd bindings/node && $(NPM) run -s fmt

header: ## Regenerate include/f3dx_cache.h
	UPDATE_HEADER=1 $(CARGO) test -p f3dx_cache_tests --test header

python: $(VENV)/tools ## Build the Python package into .venv
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install -q --no-deps --no-build-isolation --force-reinstall ./bindings/python

node: $(NODE_TOOLS) ## Build the npm package into bindings/node
	cd bindings/node && $(NPM) run -s build

clean: ## Remove what was built
	rm -rf target build $(VENV) $(addprefix bindings/node/,node_modules dist native) \
		bindings/go/lib/*/libf3dx_cache.* bindings/go/lib/*/stamp.go

$(CARGO_FUZZ):
	$(CARGO) install cargo-fuzz --locked --version $(CARGO_FUZZ_VERSION) --root $(dir $(@D))

$(ENCODER)/tokenizer.json: | $(VENV)/tools
	rm -rf $(ENCODER) && mkdir -p $(ENCODER)
	$(BIN)/python -m pip download -q --no-deps --only-binary :all: -d $(ENCODER) $(ENCODER_PACKAGE)
	cd $(ENCODER) && ../../$(BIN)/python -m zipfile -e wordllama-*.whl package
	cp $(ENCODER)/package/wordllama/weights/l2_supercat_256.safetensors $(ENCODER)/model.safetensors
	cp $(ENCODER)/package/wordllama/tokenizers/l2_supercat_tokenizer_config.json $@

$(VENV)/tools: bindings/python/requirements-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -r $<
	touch $@

$(NODE_TOOLS): bindings/node/package-lock.json
	cd bindings/node && $(NPM) ci --loglevel=error --no-audit --no-fund
	touch $@

-include ffi/install.mk
-include bindings/go/go.mk

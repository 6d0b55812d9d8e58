# Included by the Makefile: the Go module in bindings/go.

GO ?= go
GO_PLATFORM = $(shell $(GO) env GOOS)_$(shell $(GO) env GOARCH)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Files outside a module, such as tests/fixtures, are nothing that go would notice: -count=1.
GO_MODULES := bindings/go bindings/go/internal/sdktest

.PHONY: go test-go bench-go lint-go fmt-go

go: ## Build the C library into bindings/go/lib, which the Go package links
	$(CARGO) build --release -p f3dx_cache
	cp include/f3dx_cache.h bindings/go/f3dx_cache.h
	sh bindings/go/lib/stage.sh "$${CARGO_TARGET_DIR:-target}/release" $(GO_PLATFORM)

test-go: go python ## Run the tests of the Go module, with the race detector
	for module in $(GO_MODULES); do (cd $$module && $(GO) test -race -count=1 ./...) || exit 1; done

bench-go: go ## Measure the Go module: lookups, and openai-go replayed against a stub
	for module in $(GO_MODULES); do (cd $$module && $(GO) test -run '^$$' -bench . .) || exit 1; done

lint-go: go
	@unformatted=$$(gofmt -l $(GO_MODULES)); test -z "$$unformatted" || \
		{ echo "not formatted, run make fmt: $$unformatted"; exit 1; }
	for module in $(GO_MODULES); do \
		(cd $$module && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./...) || exit 1; done

fmt-go:
	gofmt -w $(GO_MODULES)

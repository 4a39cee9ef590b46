# `make run` and `make test` need Go and Python 3, and the tests Debian's package
# docker-registry; everything else is fetched, pinned. .ci/run installs what is missing.

GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       = go run mvdan.cc/gofumpt@v0.12.0
GOVULNCHECK   = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Real Envoys and load generators share the machine's cores with the tests, so
# few packages run at a time.
PACKAGES_AT_A_TIME ?= 2
GO_DIRS = cmd internal pkg test examples

.PHONY: help run build test agreement lint unit bench microbench filters proof vuln fmt clean

help:
	@echo 'make run      the examples on an Envoy of their own, with what to try'
	@echo 'make test     everything: lint, unit tests, and the tests on real Envoys'
	@echo 'make agreement  the sandbox beside every supported Envoy'
	@echo 'make unit     the tests that need no Envoy'
	@echo 'make bench    the benchmarks, into docs/benchmarks.md'
	@echo 'make microbench   the benchmarks of single packages, for benchstat'
	@echo 'make lint     go vet, gofumpt and golangci-lint'
	@echo 'make build    bin/wasm-xds'
	@echo 'make filters  the example filters from their sources'
	@echo 'make proof    plain ECDS beside wasm-xds: requests that passed without the filter'
	@echo 'make vuln     known vulnerabilities in what is used'

run: build
	@envoy=$$(scripts/get-envoy) && exec bin/wasm-xds dev examples/envoy/filters --envoy "$$envoy"

build:
	@CGO_ENABLED=0 go build -trimpath -o bin/wasm-xds ./cmd/wasm-xds

# The sandbox is compared with the oldest and the newest Envoy here, with all by
# `make agreement`: each takes two minutes.
test: lint
	@scripts/get-cosign >/dev/null && scripts/get-oras >/dev/null # their minutes are no test's
	WASM_XDS_TEST_ENVOYS="$${WASM_XDS_TEST_ENVOYS:-1.36.4,1.40.0}" go test -race -timeout 30m -p $(PACKAGES_AT_A_TIME) ./...

agreement:
	go test -count=1 -timeout 30m ./test/preflight

unit:
	go test -race -timeout 10m $$(go list ./... | grep -v /test/)

bench:
	go run ./test/bench/cmd/bench

microbench:
	go test -run '^$$' -bench . -benchmem $$(git grep -l '^func Benchmark' -- '*_test.go' | xargs -r -n 1 dirname | sort -u | sed 's|^|./|')

lint:
	@go vet ./...
	@unformatted=$$($(GOFUMPT) -l $(GO_DIRS)) && \
		if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	@$(GOLANGCI_LINT) run

fmt:
	@$(GOFUMPT) -w $(GO_DIRS)

filters:
	@scripts/build-filters

proof:
	@go run ./test/proof

# The database of vulnerabilities is asked over the network. Where that cannot be
# reached nothing is known, which is neither good nor bad: it is said, and is no failure.
vuln:
	@out=$$($(GOVULNCHECK) ./... 2>&1) && echo "$$out" && exit 0; echo "$$out"; \
		case "$$out" in *"fetching vulnerabilities"*|*vuln.go.dev*"dial"*|*"no such host"*) \
			echo 'vuln: NOT CHECKED, the database of vulnerabilities cannot be reached' ;; \
		*) exit 1 ;; esac

clean:
	@rm -rf bin dist

# `make run` and `make test` need Go and Python 3. The tests need some of Debian's packages, too,
# which `make test` installs as root. Everything else is fetched, pinned.

GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       = go run mvdan.cc/gofumpt@v0.12.0
GOVULNCHECK   = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Real Envoys and load generators share the machine's cores with the tests, so
# few packages run at a time.
PACKAGES_AT_A_TIME ?= 2
GO_DIRS = cmd internal pkg test examples

# The repository has two modules: the product's at the root, and that of the tests and
# benchmarks in test/, so that importers of pkg/ get none of their dependencies. Each is
# built with its own go.mod: a go.work of one's own does not count. The Go sources of the example
# filters are a third one, for the target wasip1; on this machine, their pure parts are tested.
GO_MODULES = . test
GO_FILTERS = examples/envoy/src
export GOWORK = off

# `wasm-xds version` says what these say. VERSION is empty in a tree without a tag, or
# without git: Go's own record of the build is used then.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
BINARY  ?= bin/wasm-xds
BUILD    = github.com/wasm-xds/wasm-xds/internal/cli/build
LDFLAGS  = -s -w -X $(BUILD).stampedVersion=$(VERSION) -X $(BUILD).stampedCommit=$(COMMIT)

# Chaos goes on for CHAOS (a time such as 8h), with the operations of CHAOS_SEED; without one
# it draws a seed, and prints it. CHAOS_FLAGS are further flags of test/chaos/cmd/chaos.
CHAOS ?= 10m

.PHONY: chaos chaos-planted help packages run build test agreement lint unit bench microbench filters proof vuln fmt clean

help:
	@echo 'make run      the examples on an Envoy of their own, with what to try'
	@echo 'make test     everything: lint, unit tests, and the tests on real Envoys'
	@echo 'make chaos    real Envoys under load and random operations, for CHAOS=10m'
	@echo 'make chaos-planted  bugs that are planted into the server, and found by it'
	@echo 'make agreement  the sandbox beside every supported Envoy'
	@echo 'make unit     the tests that need no Envoy'
	@echo 'make bench    the benchmarks, into docs/benchmarks.md'
	@echo 'make microbench   the benchmarks of single packages, for benchstat'
	@echo 'make lint     go vet, gofumpt and golangci-lint'
	@echo 'make build    bin/wasm-xds, with the version of the tree'
	@echo 'make filters  the example filters from their sources'
	@echo 'make proof    plain ECDS beside wasm-xds: requests that passed without the filter'
	@echo 'make vuln     known vulnerabilities in what is used'

run: build
	@envoy=$$(scripts/get-envoy) && exec bin/wasm-xds dev examples/envoy/filters --envoy "$$envoy"

build:
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/wasm-xds

packages:
	@scripts/install-packages

# The sandbox is compared with the oldest and the newest Envoy here, with all by
# `make agreement`: each takes two minutes.
# The results of the module test are not cached: Go does not see that its tests read and run
# files of the root module.
test: packages lint
	@scripts/get-cosign >/dev/null && scripts/get-oras >/dev/null # their minutes are no test's
	@status=0; for module in $(GO_MODULES) $(GO_FILTERS); do \
		fresh=; [ $$module != test ] || fresh=-count=1; \
		WASM_XDS_TEST_ENVOYS="$${WASM_XDS_TEST_ENVOYS:-1.36.4,1.40.0}" \
		go test -C $$module $$fresh -race -timeout 30m -p $(PACKAGES_AT_A_TIME) ./... || status=1; done; exit $$status

chaos:
	@go run -C test ./chaos/cmd/chaos -duration $(CHAOS) $(if $(CHAOS_SEED),-seed $(CHAOS_SEED)) $(CHAOS_FLAGS)

# The servers of this one have a bug each, which has to be found.
chaos-planted:
	@go run -C test ./chaos/cmd/chaos -planted all -duration 5m $(if $(CHAOS_SEED),-seed $(CHAOS_SEED)) $(CHAOS_FLAGS)

agreement:
	go test -C test -count=1 -timeout 30m ./preflight

# internal/test is what the tests are made of. Its own tests run real Envoys.
unit:
	go test -race -timeout 10m $$(go list ./... | grep -v /internal/test/)
	go test -C $(GO_FILTERS) -race ./...

bench:
	go run -C test ./bench/cmd/bench

microbench:
	@for module in $(GO_MODULES); do (cd $$module && packages=$$(go list -f \
		'{{$$dir := .Dir}}{{range .TestGoFiles}}{{$$dir}}/{{.}} {{end}}{{range .XTestGoFiles}}{{$$dir}}/{{.}} {{end}}' ./... | \
		xargs -r grep -l '^func Benchmark' | xargs -r -n 1 dirname | sort -u) && \
		[ -z "$$packages" ] || go test -run '^$$' -bench . -benchmem $$packages) || exit 1; done

lint:
	@scripts/check-prose
	@for module in $(GO_MODULES); do go vet -C $$module ./... && (cd $$module && go mod tidy -diff) || exit 1; done
	@unformatted=$$($(GOFUMPT) -l $(GO_DIRS)) && \
		if [ -n "$$unformatted" ]; then echo "not formatted, run make fmt:"; echo "$$unformatted"; exit 1; fi
	@for module in $(GO_MODULES); do (cd $$module && $(GOLANGCI_LINT) run) || exit 1; done
	@go vet -C $(GO_FILTERS) ./... && GOOS=wasip1 GOARCH=wasm go vet -C $(GO_FILTERS) ./...

fmt:
	@$(GOFUMPT) -w $(GO_DIRS)

filters:
	@scripts/build-filters

proof:
	@go run -C test ./proof

# The database of vulnerabilities is asked over the network. Where that cannot be
# reached nothing is known, which is neither good nor bad: it is said, and is no failure.
vuln:
	@for module in $(GO_MODULES); do \
		out=$$(cd $$module && $(GOVULNCHECK) ./... 2>&1) && echo "$$out" && continue; echo "$$out"; \
		case "$$out" in *"fetching vulnerabilities"*|*vuln.go.dev*"dial"*|*"no such host"*) \
			echo 'vuln: NOT CHECKED, the database of vulnerabilities cannot be reached' ;; \
		*) exit 1 ;; esac; done

clean:
	@rm -rf bin dist

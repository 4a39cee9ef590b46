# `make run` and `make test` need Go and Python 3. The tests also need some of Debian's packages,
# which `make test` installs as root. The rest is fetched in pinned versions.

GOLANGCI_LINT = go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT       = go run mvdan.cc/gofumpt@v0.12.0
GOVULNCHECK   = go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Later versions need a newer Go, or modules that the module proxy does not have.
GORELEASER    = go run github.com/goreleaser/goreleaser/v2@v2.15.1

# Real Envoys and load generators share the machine's cores with the tests, so few packages run at a
# time. Tests of one package that may run side by side mostly wait for their Envoys.
PACKAGES_AT_A_TIME ?= 2
TESTS_AT_A_TIME    ?= 4
GO_DIRS = cmd internal pkg test examples

# The repository has two modules: the product at the root, and the tests and benchmarks in test/.
# So importers of pkg/ get no dependencies of the tests. Each module is built with its own go.mod,
# without any go.work. The Go sources of the example filters are a third module for the target
# wasip1. On this machine, only their pure parts are tested.
GO_MODULES = . test
GO_FILTERS = examples/envoy/src
GO_EXAMPLES = examples/api_key examples/waf
export GOWORK = off

# `wasm-xds version` prints these values. VERSION is empty in a tree without a tag or without git.
# Then `version` prints Go's own record of the build.
VERSION ?= $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
BINARY  ?= bin/wasm-xds
BUILD    = github.com/wasm-xds/wasm-xds/internal/cli/build
LDFLAGS  = -s -w -X $(BUILD).stampedVersion=$(VERSION) -X $(BUILD).stampedCommit=$(COMMIT)

# Chaos runs for the time CHAOS, for example 8h, with the operations of CHAOS_SEED. Without
# CHAOS_SEED, the run draws and prints a seed. CHAOS_FLAGS are further flags of
# test/chaos/cmd/chaos.
CHAOS ?= 10m

.PHONY: site chaos chaos-planted help packages run build test test-root test-module agreement lint unit bench microbench filters proof vuln fmt clean release-snapshot exposure

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
	@echo 'make exposure  how much the systemd service could do, by systemd-analyze security'
	@echo 'make release-snapshot  archives, packages, SBOMs and checksums of this tree, into dist'
	@echo 'make site     the documentation as a site, in dist/site'
	@echo 'make vuln     known vulnerabilities in what is used'

run: build
	@envoy=$$(scripts/get-envoy) && exec bin/wasm-xds dev examples/envoy/filters --envoy "$$envoy"

build:
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/wasm-xds

packages:
	@scripts/install-packages

# The two halves run side by side, because real Envoys often wait, and compilers and linters never
# do.
test: packages
	@$(MAKE) --no-print-directory --keep-going --jobs=2 test-root test-module

# The race detector makes tests several times slower, and finds nothing in packages without a
# goroutine. test/depcheck looks at these packages.
WITHOUT_GOROUTINES = ./internal/delivery/... ./internal/envoyconfig ./internal/envoyedit ./pkg/spec

# Lint, the product's own tests, and those of the filters' sources.
test-root:
	@status=0; \
		$(MAKE) --no-print-directory --keep-going --jobs=1 lint exposure || status=1; \
		go test -timeout 30m -p $(PACKAGES_AT_A_TIME) $(WITHOUT_GOROUTINES) || status=1; \
		go test -race -timeout 30m -p $(PACKAGES_AT_A_TIME) $$(go list ./... | grep -vxF "$$(go list $(WITHOUT_GOROUTINES))") || status=1; \
		go test -C $(GO_FILTERS) -race ./... || status=1; exit $$status

# The tests on real Envoys. The longest packages begin first, so that no core waits for them at the
# end. The sandbox is compared with the oldest and the newest Envoy, and `make agreement` compares
# all Envoys. The results are not cached, because Go does not notice changes of files in the root
# module.
test-module:
	@scripts/get-cosign >/dev/null && scripts/get-oras >/dev/null && scripts/get-helm >/dev/null && scripts/get-etcd >/dev/null && \
		scripts/get-otelcol >/dev/null && scripts/get-assemblyscript >/dev/null && scripts/get-zig >/dev/null && { scripts/get-rust >/dev/null || true; } # before any test, because this takes minutes
	@figures=$$(mktemp); WASM_XDS_TEST_FIGURES=$$figures WASM_XDS_TEST_ENVOYS="$${WASM_XDS_TEST_ENVOYS:-1.36.4,1.40.0}" \
		go test -C test -count=1 -race -timeout 30m -p $(PACKAGES_AT_A_TIME) -parallel $(TESTS_AT_A_TIME) \
		./e2e ./preflight ./packaging ./chaos ./...; status=$$?; sort $$figures; rm $$figures; exit $$status

# The service's exposure is below 2.0 of 10, and is printed.
exposure:
	@out=$$(systemd-analyze security --no-pager --offline=true --threshold=20 packaging/systemd/wasm-xds.service) || \
		{ echo "$$out"; exit 1; }; echo "$$out" | tail -n 1

chaos:
	@go run -C test ./chaos/cmd/chaos -duration $(CHAOS) $(if $(CHAOS_SEED),-seed $(CHAOS_SEED)) $(CHAOS_FLAGS)

# Each server of this target has a bug, which the run must find.
chaos-planted:
	@go run -C test ./chaos/cmd/chaos -planted all -duration 5m $(if $(CHAOS_SEED),-seed $(CHAOS_SEED)) $(CHAOS_FLAGS)

agreement:
	go test -C test -count=1 -timeout 30m ./preflight

# internal/test has the helpers of the tests. Their own tests run real Envoys.
unit:
	go test -timeout 10m $(WITHOUT_GOROUTINES)
	go test -race -timeout 10m $$(go list ./... | grep -v /internal/test/ | grep -vxF "$$(go list $(WITHOUT_GOROUTINES))")
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
	@for module in $(GO_MODULES); do (cd $$module && $(GOLANGCI_LINT) run --allow-parallel-runners) || exit 1; done
	@for module in $(GO_FILTERS) $(GO_EXAMPLES); do \
		go vet -C $$module ./... && GOOS=wasip1 GOARCH=wasm go vet -C $$module ./... || exit 1; done

fmt:
	@$(GOFUMPT) -w $(GO_DIRS)

filters:
	@scripts/build-filters

# The documentation as a site, in dist/site.
site:
	@NO_MKDOCS_2_WARNING=1 $$(scripts/get-mkdocs) build --strict

proof:
	@go run -C test ./proof

# The database of vulnerabilities is on the network. If the network is not reachable, the target
# says so and does not fail.
vuln:
	@for module in $(GO_MODULES); do \
		out=$$(cd $$module && $(GOVULNCHECK) ./... 2>&1) && echo "$$out" && continue; echo "$$out"; \
		case "$$out" in *"fetching vulnerabilities"*|*vuln.go.dev*"dial"*|*"no such host"*) \
			echo 'vuln: NOT CHECKED, the database of vulnerabilities cannot be reached' ;; \
		*) exit 1 ;; esac; done

# A snapshot has no image, because an image needs Docker. goreleaser wants to know the repository
# on the web, also where the tree has no remote.
release-snapshot:
	@GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url \
		GIT_CONFIG_VALUE_0=https://github.com/wasm-xds/wasm-xds.git \
		$(GORELEASER) release --snapshot --clean --skip=docker,publish --timeout 1h
	@echo 'release-snapshot: NOT MADE, the image: it needs Docker (see docs/install.md)'

clean:
	@rm -rf bin dist packaging/generated

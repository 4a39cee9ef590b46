package preflight

import (
	"crypto/sha256"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// inspected is a request whose module is read and looked at.
type inspected struct {
	request Request
	smokes  bool // the check sends traffic through the configured module
	found   *finding.List
	module  *wasmbin.Module // nil: not read
	abi     string
	known   *moduleSum // set at the first use
}

func newInspected(r Request) *inspected {
	versions := r.Versions
	if versions == nil {
		versions = envoy.Versions()
	}
	return &inspected{request: r, found: finding.NewList(versions)}
}

// inspect runs the steps before the module runs. It returns false if no version would load the module.
func (s *inspected) inspect() bool {
	if !s.parse() {
		return false
	}
	s.abi = static.Check(s.module, static.Options{Capabilities: s.request.Capabilities, Memory: s.request.Limits.Memory}, s.found)
	return !s.found.Fatal()
}

// parse is the first step; after a failure there are no further steps.
func (s *inspected) parse() bool {
	m, problem := static.Parse(s.request.Module, s.read)
	if problem != nil {
		s.found.Add(*problem)
		return false
	}
	s.module = m
	if s.request.AutoCapabilities {
		s.request.Capabilities = envoy.WithCallbacks(static.Capabilities(m))
	}
	return true
}

// Content is [wasmbin.Parse] of the request's module. If Modules keeps the module, Content does not
// read it again.
func (r Request) Content() (*wasmbin.Module, error) { return newInspected(r).read() }

// read reads the module, unless it is kept.
func (s *inspected) read() (*wasmbin.Module, error) {
	if m := s.request.Modules; m != nil {
		if kept, ok := m.known(s.sum()); ok {
			return kept.parsed, nil
		}
	}
	return wasmbin.Parse(s.request.Module)
}

// sum returns the module's SHA-256.
func (s *inspected) sum() moduleSum {
	if s.known == nil {
		sum, ok := sumOf(s.request.SHA256)
		if !ok {
			sum = sha256.Sum256(s.request.Module)
		}
		s.known = &sum
	}
	return *s.known
}

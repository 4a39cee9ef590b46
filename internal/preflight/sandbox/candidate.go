package sandbox

import (
	"crypto/sha256"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Candidate is a request with the findings about the module, ready for any number of runs. A
// Candidate belongs to one goroutine.
type Candidate struct {
	request Request
	found   *finding.List
	module  *wasmbin.Module // nil: not readable
	abi     string
	sum     moduleSum
	summed  bool
}

func newCandidate(r Request) *Candidate {
	versions := r.Versions
	if versions == nil {
		versions = envoy.Versions()
	}
	return &Candidate{request: r, found: finding.NewList(versions)}
}

// Inspect runs the steps before a module runs: reading the module and looking at the parts.
func Inspect(r Request) *Candidate {
	c := newCandidate(r)
	m, problem := static.Parse(r.Module, c.read)
	if problem != nil {
		c.found.Add(*problem)
		return c
	}
	c.module = m
	if r.AutoCapabilities {
		c.request.Capabilities = envoy.WithCallbacks(static.Capabilities(m))
	}
	c.abi = static.Check(m, static.Options{Capabilities: c.request.Capabilities, Memory: r.Limits.Memory}, c.found)
	return c
}

// Content is [wasmbin.Parse] of the request's module. If Modules keeps the module, Content does not
// read again.
func (r Request) Content() (*wasmbin.Module, error) { return newCandidate(r).read() }

// Found are the findings. A run adds none: the caller of the run does.
func (c *Candidate) Found() *finding.List { return c.found }

// Request returns the request, with AutoCapabilities resolved into Capabilities.
func (c *Candidate) Request() Request { return c.request }

// read reads the module, unless it is kept.
func (c *Candidate) read() (*wasmbin.Module, error) {
	if m := c.request.Modules; m != nil {
		if known, ok := m.known(c.digest()); ok {
			return known.module, nil
		}
	}
	return wasmbin.Parse(c.request.Module)
}

// digest returns the module's SHA-256.
func (c *Candidate) digest() moduleSum {
	if !c.summed {
		sum, ok := sumOf(c.request.SHA256)
		if !ok {
			sum = sha256.Sum256(c.request.Module)
		}
		c.sum, c.summed = sum, true
	}
	return c.sum
}

// key names the decoded module on an engine.
func (c *Candidate) key(e engine.Engine) moduleKey {
	return moduleKey{c.digest(), e, c.memoryLimit()}
}

// memoryLimit returns the limit in pages. A module with a larger initial memory gets that size, as
// in Envoy.
func (c *Candidate) memoryLimit() uint32 {
	limit := c.request.Limits.Memory
	if limit == 0 {
		limit = defaultMemoryPages
	}
	for _, m := range c.module.Memories {
		limit = max(limit, m.Min)
	}
	return min(limit, envoy.MaximumMemoryPages)
}

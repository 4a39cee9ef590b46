package load

import (
	"fmt"
	"os"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Resolved is a spec with the content of its references.
type Resolved struct {
	Spec     *spec.Spec
	Revision *snapshot.Revision
	Content  *string // of the file that configFrom names; nil: no configFrom
}

// withCapabilities is the spec with a list in place of capabilities: auto.
func withCapabilities(s *spec.Spec, code []byte) *spec.Spec {
	copied := *s
	// A file that is not a module may call nothing; the pre-flight reports the problem.
	info, _ := wasmbin.Parse(code)
	copied.Capabilities = static.Capabilities(info)
	return &copied
}

// configuration is a spec's plugin configuration as the module gets it, and the content of
// configFrom's file; nil: the configuration is in the spec.
func configuration(s *spec.Spec) (config, content *string, problem *spec.Error) {
	if s.ConfigFrom == nil {
		return s.Config, nil, nil
	}
	if content, problem = module.ReadConfig(*s.ConfigFrom); problem != nil {
		return nil, nil, problem
	}
	config, problem = module.Encode(s, *content)
	return config, content, problem
}

// WithStore calls do with a temporary store.
func WithStore(do func(*module.Store) error) error {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return fmt.Errorf("make a place for the modules: %w", err)
	}
	defer os.RemoveAll(place)
	store, err := module.OpenStore(place)
	if err != nil {
		return err
	}
	return do(store)
}

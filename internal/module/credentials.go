package module

import (
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// credentialsOf returns the credentials with which a spec's module is pulled.
func credentialsOf(m spec.Module) registry.Credentials {
	if m.PullSecret == nil {
		return registry.Credentials{}
	}
	return registry.Credentials{PullSecret: m.PullSecret.Path, Bounds: (*regular.Bounds)(m.PullSecret.Bounds)}
}

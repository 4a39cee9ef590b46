package fetch

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// Flags configures the fetch of modules for commands other than serve.
type Flags struct {
	Trust      Trust
	Registries Registries
}

func (f *Flags) AddFlags(flags *pflag.FlagSet) {
	f.Trust.AddFlags(flags)
	f.Registries.AddFlags(flags)
}

func (f *Flags) Client() (*registry.Client, error) {
	cfg := f.Registries.Config()
	cfg.Guard = f.Trust.Guard()
	return registry.New(cfg)
}

// Resolver fetches modules into the store. close closes its connections.
func (f *Flags) Resolver(store *module.Store) (r *module.Resolver, closeIt func(), err error) {
	client, err := f.Client()
	if err != nil {
		return nil, nil, err
	}
	roots, err := certs.Roots(f.Registries.Config().CAFile)
	if err != nil {
		return nil, nil, err
	}
	return &module.Resolver{Store: store, Guard: f.Trust.Guard(), Roots: roots, Registry: client, Keys: f.Trust.Keys}, client.Close, nil
}

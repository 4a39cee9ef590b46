// Package fetch is the access of commands to registries and other places of modules: the flags for
// it, and the transfers with their progress.
//
// [Flags] are for commands that fetch modules. They are made of [Trust] (which modules are taken)
// and [Registries] (how registries are reached), which some commands have alone. [HostEnv] has
// values for the sandbox. reference.go reads arguments, bundle.go fetches a bundle, and transfer.go
// shows the progress.
package fetch

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// Flags configure the fetch of modules for commands other than serve.
type Flags struct {
	Trust      Trust
	Registries Registries
	Roots      FilesRoots // commands that read the files of specs add its flag
}

// AddFlags adds the flags.
func (f *Flags) AddFlags(flags *pflag.FlagSet) {
	f.Trust.AddFlags(flags)
	f.Registries.AddFlags(flags)
}

// Client makes a client of registries. The caller must close it.
func (f *Flags) Client() (*registry.Client, error) {
	cfg := f.Registries.Config()
	cfg.Guard = f.Trust.Guard()
	return registry.New(cfg)
}

// Resolver makes a resolver that fetches modules into the store. closeIt closes its connections.
func (f *Flags) Resolver(store *module.Store) (r *module.Resolver, closeIt func(), err error) {
	client, err := f.Client()
	if err != nil {
		return nil, nil, err
	}
	roots, err := certs.Roots(f.Registries.Config().CAFile)
	if err != nil {
		return nil, nil, err
	}
	return &module.Resolver{Store: store, Guard: f.Trust.Guard(), Roots: roots, Registry: client, Verify: f.Trust.Verify()}, client.Close, nil
}

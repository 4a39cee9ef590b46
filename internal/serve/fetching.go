package serve

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// fetching has the access to modules and bundles.
type fetching struct {
	registries *registry.Client
	modules    *module.Resolver
}

// openFetching prepares the access, and fetches nothing yet. All fetches share one gate, which
// limits them together. The caller must close the access.
func openFetching(cfg *Config, f *files, gate *transfer.Gate, peers module.Peers) (*fetching, error) {
	access := cfg.Registry
	access.Guard, access.Gate = cfg.Guard, gate
	registries, err := registry.New(access)
	if err != nil {
		return nil, err
	}
	roots, err := certs.Roots(access.CAFile)
	if err != nil {
		registries.Close()
		return nil, err
	}
	return &fetching{registries, &module.Resolver{
		Store: f.store, Peers: peers, Guard: cfg.Guard, Gate: gate, Roots: roots, Registry: registries, Verify: cfg.Verify, Checked: f.checked, Logger: cfg.Logger,
	}}, nil
}

// signatures returns the signatures by which a module was accepted.
func (f *fetching) signatures(m snapshot.Module) []api.Signature {
	var all []api.Signature
	for _, one := range f.modules.Signatures(m) {
		all = append(all, api.Signature{
			Kind: string(one.Kind), PredicateType: one.PredicateType, Builder: one.Builder, Key: one.Key, Subject: one.Subject, Issuer: one.Issuer,
			Time: one.Time, TimeBy: one.TimeBy, Log: one.Log, LogIndex: one.LogIndex,
		})
	}
	return all
}

func (f *fetching) close() { f.registries.Close() }

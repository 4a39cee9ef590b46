package fetch

import (
	"cmp"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// Registries configure the access to registries.
type Registries struct {
	insecure []string
	caFile   string
	// registryCA is the former name of caFile, for registries alone.
	registryCA string
}

// AddFlags adds the flags.
func (r *Registries) AddFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&r.insecure, "insecure-registry", nil, "`host` or host:port of a registry that is reached over plain HTTP, several times for several")
	f.StringVar(&r.caFile, "ca-file", "", "PEM `file` with certificates by which servers of modules and registries are trusted, beside the system's")
	f.StringVar(&r.registryCA, "registry-ca", "", "the former name of --ca-file")
	// Cobra's MarkDeprecated would write its note to stdout, into the JSON of -o json.
	_ = f.MarkHidden("registry-ca") // fails only for a missing flag
}

// Config is the access as the flags describe it, without a guard.
func (r *Registries) Config() registry.Config {
	return registry.Config{Insecure: r.insecure, CAFile: cmp.Or(r.caFile, r.registryCA)}
}

// Client makes a client of registries. The caller must close it.
func (r *Registries) Client() (*registry.Client, error) { return registry.New(r.Config()) }

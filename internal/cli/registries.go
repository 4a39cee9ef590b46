package cli

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// registryFlags configure the access to registries.
type registryFlags struct {
	insecure []string
	caFile   string
	// registryCA is the former name of caFile, for registries alone.
	registryCA string
}

func (r *registryFlags) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&r.insecure, "insecure-registry", nil, "`host` or host:port of a registry that is reached over plain HTTP, several times for several")
	f.StringVar(&r.caFile, "ca-file", "", "PEM `file` with certificates by which servers of modules and registries are trusted, beside the system's")
	f.StringVar(&r.registryCA, "registry-ca", "", "the former name of --ca-file")
	// Cobra's MarkDeprecated would write its note to stdout, into the JSON of -o json.
	_ = f.MarkHidden("registry-ca") // fails only for a missing flag
}

func (r *registryFlags) config() registry.Config {
	return registry.Config{Insecure: r.insecure, CAFile: cmp.Or(r.caFile, r.registryCA)}
}

func (r *registryFlags) client() (*registry.Client, error) { return registry.New(r.config()) }

// fetching configures the fetch of modules for commands other than serve.
type fetching struct {
	trust      trust
	registries registryFlags
}

func (f *fetching) addFlags(flags *pflag.FlagSet) {
	f.trust.addFlags(flags)
	f.registries.addFlags(flags)
}

func (f *fetching) client() (*registry.Client, error) {
	cfg := f.registries.config()
	cfg.Guard = f.trust.guard()
	return registry.New(cfg)
}

// resolver fetches modules into the store. close closes its connections.
func (f *fetching) resolver(store *module.Store) (r *module.Resolver, closeIt func(), err error) {
	client, err := f.client()
	if err != nil {
		return nil, nil, err
	}
	roots, err := certs.Roots(f.registries.config().CAFile)
	if err != nil {
		return nil, nil, err
	}
	return &module.Resolver{Store: store, Guard: f.trust.guard(), Roots: roots, Registry: client, Keys: f.trust.keys}, client.Close, nil
}

// scheme tells a reference in a registry from a path.
const scheme = "oci://"

func isRemote(arg string) bool { return strings.HasPrefix(arg, scheme) }

// bundleReference reads oci://registry/repository:tag; false: arg is a path.
func bundleReference(arg string) (spec.Reference, bool, error) {
	if !isRemote(arg) {
		return spec.Reference{}, false, nil
	}
	ref, err := registry.ParseReference(arg)
	return ref, true, worded(err)
}

// worded turns an error of a registry into an error for people.
func worded(err error) error {
	ofRegistry := &registry.Error{}
	if errors.As(err, &ofRegistry) {
		return ofRegistry.Problem(spec.Position{})
	}
	return err
}

package envoy

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// prepareServices brings the modules of the services, tries the services in the sandbox, and writes
// the modules into a directory, as files that are named by their content. An Envoy does not start
// with a service that does not load, so a problem of any service is an error.
func prepareServices(ctx context.Context, services []*spec.Spec, dir string, from *fetch.Flags, stderr io.Writer) ([]bootstrap.Service, error) {
	if len(services) == 0 {
		return nil, nil
	}
	dir, err := command.Absolute(dir)
	if err != nil {
		return nil, err
	}
	var made []bootstrap.Service
	err = load.WithStore(func(store *module.Store) error {
		docs := load.Documents{Specs: services}
		good, err := docs.Resolve(ctx, store, *from)
		if err != nil {
			return err
		}
		outcome, err := trial.Run(ctx, store, good, trial.Options{Mode: examine.Enforce})
		if err != nil {
			return err
		}
		outcome.Errors = docs.Errors
		if !outcome.OK() {
			if err := trial.Print(stderr, outcome, "text"); err != nil {
				return err
			}
			return command.Failure("service_refused", "an Envoy with this service would not start", "mend the service, and run the command again")
		}
		for _, one := range good {
			service, err := writeService(store, one, dir)
			if err != nil {
				return err
			}
			made = append(made, service)
		}
		return nil
	})
	return made, err
}

// writeService writes the module of a service into dir.
func writeService(store *module.Store, one load.Resolved, dir string) (bootstrap.Service, error) {
	sum := one.Revision.Module.SHA256
	code, err := store.Read(sum)
	if err != nil {
		return bootstrap.Service{}, err
	}
	path := filepath.Join(dir, sum+".wasm")
	if err = os.MkdirAll(dir, 0o755); err == nil {
		err = atomicfile.WriteFile(path, code, 0o644)
	}
	if err != nil {
		return bootstrap.Service{}, command.Failure("cannot_write", path+" cannot be written: "+reason.Of(err), "name another directory with --services-dir")
	}
	text, err := translate.ServiceYAML(one.Revision, path)
	return bootstrap.Service{Name: one.Spec.Name, Revision: one.Revision.ID, Config: text}, err
}

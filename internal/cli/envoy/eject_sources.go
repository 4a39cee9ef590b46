package envoy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/eject"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/internal/state"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// ofSpecs reads and tries the specs of --from. A problem of any spec ends the command: a missing
// filter would let requests pass unchecked.
func (o *ejectOptions) ofSpecs(c *cobra.Command) (plan eject.Plan, modules map[string][]byte, err error) {
	ctx := c.Context()
	values, err := o.host.Values()
	if err != nil {
		return plan, nil, command.Usage(c, err.Error())
	}
	docs, done, err := load.Sources(ctx, o.from, &o.sources, c.ErrOrStderr())
	defer done()
	if err != nil {
		return plan, nil, err
	}
	modules = map[string][]byte{}
	err = load.WithStore(func(store *module.Store) error {
		good, err := docs.Resolve(ctx, store, o.sources)
		if err != nil {
			return err
		}
		tried, err := trial.Run(ctx, store, good, trial.Options{Mode: examine.Enforce, HostEnv: values})
		if err != nil {
			return err
		}
		if tried.Errors = docs.Errors; !tried.OK() {
			_ = trial.Print(c.ErrOrStderr(), tried, "text") // a closed output is not reported
			return command.ErrReported
		}
		var filters []*snapshot.Filter
		for _, one := range good {
			s := one.Spec
			filters = append(filters, &snapshot.Filter{
				Name: s.Name, Type: s.Type, Revision: one.Revision, Nodes: s.Nodes, Canary: s.Canary, Rollout: s.Rollout, Disabled: s.Disabled,
			})
		}
		plan = eject.FromFilters(filters)
		for _, r := range plan.Revisions {
			if modules[r.Module.SHA256], err = store.Read(r.Module.SHA256); err != nil {
				return err
			}
		}
		return nil
	})
	return plan, modules, err
}

// ofState reads the state of a server.
func (o *ejectOptions) ofState(c *cobra.Command) (plan eject.Plan, modules map[string][]byte, err error) {
	dir := o.stateDir
	if dir == "" {
		if dir, err = state.DefaultDir(); err != nil {
			return plan, nil, err
		}
	}
	memory, err := o.current(c, dir)
	if err != nil {
		return plan, nil, err
	}
	plan, modules = eject.FromMemory(memory), map[string][]byte{}
	for _, r := range plan.Revisions {
		if modules[r.Module.SHA256], err = readStored(dir, r); err != nil {
			return plan, nil, err
		}
	}
	return plan, modules, nil
}

// readStored reads a module of the state directory, and checks its sha256. A running server may
// use the store meanwhile.
func readStored(dir string, r *snapshot.Revision) ([]byte, error) {
	if r.Code != nil {
		return r.Code, nil
	}
	path := filepath.Join(dir, "modules", r.Module.SHA256+".wasm")
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, command.Failure("module_missing", fmt.Sprintf("the module of %s cannot be read: %s", r.Filter, reason.Of(err)),
			"let wasm-xds serve fetch it again, or name the specs with --from")
	}
	if sum := sha256.Sum256(bytes); hex.EncodeToString(sum[:]) != r.Module.SHA256 {
		return nil, command.Failure("module_damaged", fmt.Sprintf("%s is damaged: its sha256 is %x", path, sum),
			"let wasm-xds serve fetch it again, or name the specs with --from")
	}
	return bytes, nil
}

// A server saves its state a moment after a change: see internal/persist.
const (
	looks       = 10
	betweenThem = 500 * time.Millisecond
	forAnswer   = 5 * time.Second
)

// current reads the state, and compares it with the server at the address of the API. With an
// explicit address, the server has to answer. With an explicit directory alone, no server is asked.
func (o *ejectOptions) current(c *cobra.Command, dir string) (delivery.Memory, error) {
	client, err := connect.Client(c)
	if err != nil {
		return delivery.Memory{}, err
	}
	explicit := c.Flags().Changed("admin-address") || c.Flags().Changed("context")
	for look := 1; ; look++ {
		saved, problem := o.saved(dir)
		if o.stateDir != "" && !explicit {
			return saved, problem
		}
		filters, err := ask(c.Context(), client)
		switch differs := eject.Differs(saved, filters); {
		case err != nil && explicit:
			return saved, err
		case err != nil && problem == nil:
			fmt.Fprintln(c.ErrOrStderr(), "note: no server answers: the filters are as the last server of", dir, "has left them")
			return saved, nil
		case err == nil && problem == nil && differs == "" && (look == looks || !eject.IsPreparing(filters)):
			return saved, nil
		case problem != nil && (err != nil || look == looks):
			return saved, problem
		case look == looks:
			return saved, command.Failure("other_state", fmt.Sprintf("the running server serves another revision of %s than the state in %s", differs, dir),
				"name the state directory of that server with --state-dir, or its address with --admin-address")
		}
		select {
		case <-time.After(betweenThem):
		case <-c.Context().Done():
			return saved, errors.New("interrupted")
		}
	}
}

// ask asks a server for its filters.
func ask(ctx context.Context, client apiclient.Client) ([]api.Filter, error) {
	ctx, cancel := context.WithTimeout(ctx, forAnswer)
	defer cancel()
	return client.Filters(ctx)
}

func (o *ejectOptions) saved(dir string) (delivery.Memory, error) {
	var keys *seal.Keys
	if o.keyFile != "" {
		var err error
		if keys, _, err = seal.ReadFile(o.keyFile); err != nil {
			return delivery.Memory{}, err
		}
	}
	saved, err := persist.Peek(dir, keys)
	switch locked := (*seal.LockedError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return saved.Memory, command.Failure("no_state", "there is no state in "+dir, "name the server's directory with --state-dir, or specs with --from")
	case errors.As(err, &locked):
		return saved.Memory, command.Failure("state_sealed", err.Error(), "name the file of keys that serve has, with --state-key-file")
	}
	return saved.Memory, err
}

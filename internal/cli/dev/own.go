package dev

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// own is the wiring of an Envoy with the user's own configuration: a copy of the file gets the
// filters, the clusters of wasm-xds and the ADS stream, as adopt adds them. The file itself stays
// as it is.
type own struct {
	config  *envoyconfig.Config
	options bootstrap.Options
	dir     string   // of the copy
	wired   []string // the filters in the copy
	told    string   // the last filters that are not in the copy
	out     io.Writer
}

// readOwn reads a bootstrap of the user's.
func readOwn(path, dir string, options bootstrap.Options, out io.Writer) (*own, error) {
	config, problem := envoyconfig.Read(path, func(name string) ([]byte, *spec.Error) {
		text, err := regular.Read(name, envoyconfig.MaxFileSize)
		if err != nil {
			return nil, &spec.Error{
				Code: "cannot_read", Message: "the Envoy configuration cannot be read: " + reason.Of(err),
				Hint: "name the file that Envoy gets with -c", Pos: spec.Position{File: name},
			}
		}
		return text, nil
	})
	if problem != nil {
		return nil, problem
	}
	w := &own{config: config, options: options, dir: dir, out: out}
	var taken []string
	for _, l := range config.Listeners {
		if l.Address != "" && strings.Contains(l.Address, ":") && !strings.HasSuffix(l.Address, ":0") {
			taken = append(taken, l.Address)
		}
	}
	return w, portsFree(taken...)
}

func (w *own) bootstrap() string {
	return filepath.Join(w.dir, "envoy"+extension(w.config.Files[0].Path))
}

// extension is the extension of a path. Envoy takes files of other extensions for YAML.
func extension(path string) string {
	if strings.HasSuffix(path, ".json") {
		return ".json"
	}
	return ".yaml"
}

func (w *own) connect(a serve.Addresses) {
	w.options.XDSAddress, w.options.ModulesAddress = a.XDS, a.Modules
}

// begin writes the copy.
func (w *own) begin(v *view.View) error {
	o := adopt.Options{Bootstrap: w.options, Stats: true}
	for i := range v.Filters {
		if f := &v.Filters[i]; wired(f) {
			o.Filters = append(o.Filters, adopt.Filter{Name: f.Name, Type: spec.Type(f.Type)})
			w.wired = append(w.wired, f.Name)
		}
	}
	if len(w.wired) == 0 {
		return command.Failure("no_filter", "no spec can be served, so no filter can be added to "+w.config.Files[0].Path,
			"make the spec valid, and start again")
	}
	// A static filter of the same name is the one that is being worked on.
	o.TakeOut = func(name string) bool { return slices.Contains(w.wired, name) }
	plan, problem := adopt.Make(adopt.Input{Config: w.config, File: w.config.Files[0]}, o)
	if problem != nil {
		return problem
	}
	if len(plan.Elsewhere) > 0 {
		return command.Failure("listeners_elsewhere", "Envoy takes its listeners from "+strings.Join(plan.Elsewhere, ", ")+", which dev does not change",
			"give dev a bootstrap with static_resources.listeners")
	}
	for _, change := range plan.Chains {
		var names []string
		for _, entry := range change.After {
			names = append(names, entry.Name)
		}
		fmt.Fprintf(w.out, "listener %s of %s: %s\n", change.Listener, w.config.Files[0].Path, strings.Join(names, " → "))
	}
	file, err := atomicfile.Create(w.dir)
	if err != nil {
		return err
	}
	defer file.Discard()
	if _, err := file.Write(plan.Text); err != nil {
		return err
	}
	return file.CommitUnsynced(filepath.Base(w.bootstrap()), 0o600)
}

// update says so if a filter of the view is not in the copy: static listeners cannot change while
// Envoy runs.
func (w *own) update(v *view.View) (rewired bool, err error) {
	var missing []string
	for i := range v.Filters {
		if f := &v.Filters[i]; wired(f) && !slices.Contains(w.wired, f.Name) {
			missing = append(missing, f.Name)
		}
	}
	if text := strings.Join(missing, ", "); text != w.told {
		w.told = text
		if text != "" {
			fmt.Fprintf(w.out, "the Envoy of --envoy-bootstrap does not have %s yet: start dev again\n", text)
		}
	}
	return false, nil
}

// addresses are those of the first listeners with filters from wasm-xds.
func (w *own) addresses() (http, tcp string) {
	for _, c := range w.config.Chains {
		if c.Listener == nil || c.Listener.Address == "" {
			continue
		}
		address := reachable(c.Listener.Address)
		switch {
		case c.Kind == envoyconfig.HTTPChain && http == "":
			http = address
		case c.Kind == envoyconfig.NetworkChain && tcp == "" && c.Manager == nil:
			tcp = address
		}
	}
	return http, tcp
}

// reachable is the address for a client on this machine.
func reachable(address string) string {
	for _, all := range []string{"0.0.0.0:", "[::]:"} {
		if port, found := strings.CutPrefix(address, all); found {
			return "127.0.0.1:" + port
		}
	}
	return address
}

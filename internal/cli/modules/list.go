package modules

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	statefiles "github.com/wasm-xds/wasm-xds/internal/state"
)

func newList() *cobra.Command {
	var registries fetch.Registries
	var stateDir, keyFile, search string
	var most int
	c := &cobra.Command{
		Use:   "list [oci://REGISTRY[/REPOSITORY]]",
		Short: "List the modules of this machine, or what is in a registry",
		Long: `List shows the modules in the state directory, with the filters that name them. It
only reads, also while a server runs.

With a repository, it shows the repository's tags; with a registry, the repositories,
where the registry tells.`,
		Example: `  wasm-xds list
  wasm-xds list oci://registry.example.com/team/filters
  wasm-xds list oci://localhost:5000 --search auth`,
		Args: command.Arguments(0, 1, "at most one registry or repository"),
	}
	f := c.Flags()
	f.StringVar(&stateDir, "state-dir", "", "`directory` of the modules, as serve has it (default $XDG_STATE_HOME/wasm-xds or ~/.local/state/wasm-xds)")
	f.StringVar(&keyFile, "state-key-file", "", "`file` with the keys of a sealed state, as serve has it")
	f.StringVar(&search, "search", "", "list only what has this `text` in its name")
	f.IntVar(&most, "limit", 100, "the greatest `number` of tags or repositories to list; of tags, the last ones")
	command.Action(f, "search")
	registries.AddFlags(f)
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if most < 1 {
			return command.Usage(c, fmt.Sprintf("invalid --limit %d: it is 1 or more", most))
		}
		if len(args) == 0 {
			return listModules(c.OutOrStdout(), stateDir, keyFile, search, *output)
		}
		client, err := registries.Client()
		if err != nil {
			return err
		}
		defer client.Close()
		l := lister{client: client, search: search, most: most, output: *output, out: c.OutOrStdout()}
		if host, err := fetch.Host(c, args[0]); err == nil {
			return l.repositories(c.Context(), host)
		}
		ref, err := registry.ParseReference(args[0])
		if err != nil {
			return fetch.Worded(err)
		}
		return l.tags(c.Context(), ref)
	}
	return c
}

// listedModule is a module in the state directory.
type listedModule struct {
	SHA256 string   `json:"sha256"`
	Size   int64    `json:"size"`
	ABI    []string `json:"abi"`
	// The revisions of Filters name the module now; earlier revisions of Former did.
	Filters []string `json:"filters"`
	Former  []string `json:"former"`
}

// namedModules returns the filters that name each module.
func namedModules(dir, keyFile string) (map[string]persist.Named, error) {
	var keys *seal.Keys
	if keyFile != "" {
		var err error
		if keys, _, err = seal.ReadFile(keyFile); err != nil {
			return nil, err
		}
	}
	named, err := persist.NamedModules(dir, keys)
	if locked := (*seal.LockedError)(nil); errors.As(err, &locked) {
		return nil, command.Failure("state_sealed", err.Error(), "name the file of keys that serve has, with --state-key-file")
	}
	return named, err
}

// listModules reads the state directory, even while a server uses the directory.
func listModules(w io.Writer, dir, keyFile, search, output string) error {
	if dir == "" {
		var err error
		if dir, err = statefiles.DefaultDir(); err != nil {
			return err
		}
	}
	files, err := os.ReadDir(filepath.Join(dir, "modules"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list the modules: %w", err)
	}
	named, err := namedModules(dir, keyFile)
	if err != nil {
		return err
	}
	all := []listedModule{}
	for _, f := range files {
		sum, isModule := strings.CutSuffix(f.Name(), ".wasm")
		info, err := f.Info()
		if !isModule || strings.HasPrefix(sum, ".") || err != nil { // a module that is collected meanwhile is left out
			continue
		}
		m := listedModule{
			SHA256: sum, Size: info.Size(), ABI: abiOf(filepath.Join(dir, "modules", f.Name())),
			Filters: named[sum].Filters, Former: named[sum].Former,
		}
		if search == "" || strings.Contains(sum+" "+strings.Join(m.Filters, " ")+" "+strings.Join(m.Former, " "), search) {
			all = append(all, m)
		}
	}
	if output == "json" {
		display.JSON(w, map[string]any{"stateDir": dir, "modules": all})
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "no modules in", dir)
		return nil
	}
	table := display.Table(w)
	fmt.Fprintln(table, "SHA256\tSIZE\tABI\tFILTERS")
	for _, m := range all {
		names := strings.Join(m.Filters, ", ")
		if len(m.Former) > 0 {
			names = strings.TrimPrefix(names+", formerly "+strings.Join(m.Former, ", "), ", ")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", m.SHA256, display.Bytes(m.Size), cmp.Or(strings.Join(m.ABI, ", "), "-"), cmp.Or(names, "-"))
	}
	return table.Flush()
}

// abiOf is the module's ABI versions; empty for a file that is not a module.
func abiOf(path string) []string {
	code, err := readModule(path)
	if err != nil {
		return []string{}
	}
	d, err := static.Describe(code)
	if err != nil || d.ABIs == nil {
		return []string{}
	}
	return d.ABIs
}

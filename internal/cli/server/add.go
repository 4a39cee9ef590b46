package server

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// added is the spec that add writes. Its fields are in the order of the file.
type added struct {
	Name   string             `yaml:"name"`
	Type   spec.Type          `yaml:"type,omitempty"`
	Module map[string]string  `yaml:"module"`
	RootID string             `yaml:"rootId,omitempty"`
	Config string             `yaml:"config,omitempty"`
	Policy spec.FailurePolicy `yaml:"failurePolicy"`
}

func newAdd() *cobra.Command {
	s := added{Type: spec.HTTP, Policy: spec.Closed}
	var dir, sha256 string
	timeout := defaultWait
	c := &cobra.Command{
		Use:     "add NAME MODULE|URL|oci://REFERENCE",
		Aliases: []string{"deploy"},
		Short:   "Write a spec into the watched directory, and wait until it is live",
		Long: `Add writes the spec NAME.yaml into the directory that a running server on this machine
watches, and waits until every Envoy that asks for the filter runs it. The module is a
file, a URL with its digest, or oci:// and a reference. A file from elsewhere than the
directory and the directory around it is copied beside the spec, because a spec
cannot name it. Nothing is overwritten.

If the filter is refused, the spec stays: correct it, or take it out with wasm-xds rm.`,
		Example: `  wasm-xds add auth build/auth.wasm --config 'secret'
  wasm-xds add waf oci://registry.example.com/waf:1.2 --policy open`,
		Args: command.Arguments(2, 2, "a name and a module"),
	}
	connect.AddFlags(c)
	f := c.Flags()
	f.StringVar(&dir, "dir", "", "`directory` of specs (default that of the server)")
	f.StringVar(&s.Config, "config", "", "`text` of the filter's configuration")
	f.StringVar(&s.RootID, "root-id", "", "`id` of the root context, for modules with several")
	f.StringVar(&sha256, "sha256", "", "`digest` of the module, in hex")
	command.ChoiceFlag(c, &s.Type, []spec.Type{spec.HTTP, spec.Network}, "type", "`type` of the filter: http or network")
	command.ChoiceFlag(c, &s.Policy, []spec.FailurePolicy{spec.Closed, spec.Open, spec.Reload}, "policy", "failure `policy`: closed, open or reload")
	f.DurationVar(&timeout, "timeout", timeout, "`time` to wait; 0: do not wait")
	command.Action(f, "dir", "config", "root-id", "sha256", "type", "policy", "timeout")
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		server, place, err := serverAndDirectory(c, dir)
		if err != nil {
			return err
		}
		s.Name = args[0]
		file, err := s.write(c, place, args[1], sha256)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "wrote %s\n", file)
		if timeout <= 0 {
			return nil
		}
		l := look{server: server, name: s.Name, json: *output == "json", out: c.OutOrStdout(), flag: "--timeout"}
		return waitUntilLive(c.Context(), l, timeout, "")
	}
	return c
}

// write writes the spec and, if a spec cannot name the module, a copy of the module. It returns the
// path of the spec.
func (s *added) write(c *cobra.Command, dir, module, sha256 string) (string, error) {
	docs := load.Paths(c.Context(), []string{dir}, nil)
	for _, known := range docs.Specs {
		if known.Name == s.Name {
			return "", command.Failure("exists", "the filter "+s.Name+" has a spec already: "+known.File, "edit it, or take it out with wasm-xds rm "+s.Name)
		}
	}
	path := filepath.Join(dir, strings.ReplaceAll(s.Name, "/", "_")+".yaml")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", command.Failure("exists", path+" is there already", "give the filter another name, or edit the file")
	}
	copied, err := s.name(dir, module)
	if err != nil {
		return "", err
	}
	if sha256 != "" {
		s.Module["sha256"] = sha256
	}
	body, err := yaml.Marshal(s)
	if err != nil {
		return "", err
	}
	text := append([]byte("# yaml-language-server: $schema="+template.SchemaURL+"\n"), body...)
	if _, problems, _ := spec.Decode(path, text); len(problems) > 0 {
		e := *problems[0]
		e.Pos = spec.Position{} // nothing is written
		return "", &e
	}
	if copied != nil {
		if err := atomicfile.WriteFile(filepath.Join(dir, s.Module["file"]), copied, 0o644); err != nil {
			return "", err
		}
	}
	return path, atomicfile.WriteFile(path, text, 0o644)
}

// name sets the module's reference, and returns the bytes to copy; nil: the spec names the file.
func (s *added) name(dir, module string) (copied []byte, err error) {
	s.Module = map[string]string{}
	switch {
	case strings.HasPrefix(module, "oci://"):
		s.Module["oci"] = strings.TrimPrefix(module, "oci://")
		return nil, nil
	case strings.HasPrefix(module, "http://"), strings.HasPrefix(module, "https://"):
		s.Module["url"] = module
		return nil, nil
	}
	path, err := filepath.Abs(module)
	if err != nil {
		return nil, err
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, command.Failure("no_module", "the module cannot be read: "+reason.Of(err), "name a Wasm file, a URL or oci:// and a reference")
	}
	around, err := filepath.Rel(filepath.Dir(dir), path)
	if err == nil && filepath.IsLocal(around) {
		rel, err := filepath.Rel(dir, path)
		s.Module["file"] = cmp.Or(rel, path)
		return nil, err
	}
	s.Module["file"] = strings.ReplaceAll(s.Name, "/", "_") + ".wasm"
	if _, err := os.Lstat(filepath.Join(dir, s.Module["file"])); !errors.Is(err, fs.ErrNotExist) {
		return nil, command.Failure("exists", filepath.Join(dir, s.Module["file"])+" is there already, and the module would be copied to it",
			"give the filter another name, or name that file")
	}
	return bytes, nil
}

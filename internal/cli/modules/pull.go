package modules

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pullOptions configures pull.
type pullOptions struct {
	registries fetch.Registries
	force      bool
	output     *string
}

func newPull() *cobra.Command {
	var o pullOptions
	c := &cobra.Command{
		Use:   "pull oci://REGISTRY/REPOSITORY[:TAG|@DIGEST] [DIR|FILE]",
		Short: "Pull a bundle or a module from a registry",
		Long: `Pull unpacks a bundle into DIR (default the repository's name), or writes a module
of any shape that module.oci takes into FILE (default the repository's name and
.wasm). All of it is fetched and verified before the first file gets its place; what is
there already is not overwritten without --force, and other files stay.`,
		Example: `  wasm-xds pull oci://registry.example.com/team/filters:prod filters/
  wasm-xds pull oci://registry.example.com/team/auth:v1 auth.wasm`,
		Args: command.Arguments(1, 2, "what to pull"),
	}
	f := c.Flags()
	f.BoolVar(&o.force, "force", false, "overwrite what is there already")
	command.Action(f, "force")
	o.registries.AddFlags(f)
	o.output = command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !fetch.IsRemote(args[0]) {
			return command.Usage(c, fmt.Sprintf("%q does not begin with oci://", args[0]))
		}
		ref, err := registry.ParseReference(args[0])
		if err != nil {
			return fetch.Worded(err)
		}
		client, err := o.registries.Client()
		if err != nil {
			return err
		}
		defer client.Close()
		root, err := client.Resolve(c.Context(), ref, registry.Credentials{})
		if err != nil {
			return fetch.Worded(err)
		}
		to := ""
		if len(args) > 1 {
			to = args[1]
		}
		b := fetch.Bundle{Client: client, Ref: ref, Root: root}
		err = b.ReadManifest(c.Context())
		if errors.Is(err, bundle.ErrNotBundle) {
			return o.pullModule(c, b, cmp.Or(to, path.Base(ref.Repository)+".wasm"))
		}
		if err != nil {
			return fetch.Worded(err)
		}
		return o.pullBundle(c, b, cmp.Or(to, path.Base(ref.Repository)))
	}
	return c
}

func (o *pullOptions) pullBundle(c *cobra.Command, b fetch.Bundle, dir string) error {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	fetched, err := b.Fetch(c.Context(), place, c.ErrOrStderr())
	if err != nil {
		return err
	}
	err = bundle.Unpack(c.Context(), fetched, b.Entries, dir, o.force)
	exists := &bundle.ExistsError{}
	if errors.As(err, &exists) {
		return fileExists(filepath.Join(dir, exists.Error()))
	}
	if err != nil {
		return command.Failure("unpack_failed", fmt.Sprintf("%s cannot be unpacked into %s: %v", b.Ref, dir, err), "")
	}
	o.print(c.OutOrStdout(), dir, describeEntries(fetch.Scheme+b.Ref.String(), b.Root.Digest, b.Entries))
	return nil
}

func fileExists(what string) error {
	return command.Failure("file_exists", what, "name another place, or overwrite with --force")
}

// pullModule writes the module of an image into a file.
func (o *pullOptions) pullModule(c *cobra.Command, b fetch.Bundle, file string) error {
	if _, err := os.Lstat(file); !o.force && !errors.Is(err, fs.ErrNotExist) {
		return fileExists(file + " is there already")
	}
	return load.WithStore(func(store *module.Store) error {
		resolver := &module.Resolver{Store: store, Registry: b.Client}
		m, problem := resolver.Resolve(c.Context(), spec.Module{OCI: b.Ref.WithDigest(b.Root.Digest.String())})
		if problem != nil {
			return problem
		}
		from, err := store.Open(m.SHA256)
		if err != nil {
			return err
		}
		defer from.Close()
		to, err := atomicfile.Create(filepath.Dir(file))
		if err != nil {
			return err
		}
		defer to.Discard()
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
		const mode = 0o644
		if err := to.Commit(filepath.Base(file), mode); err != nil {
			return err
		}
		o.print(c.OutOrStdout(), file, pushed{
			Reference: fetch.Scheme + b.Ref.String(), Digest: b.Root.Digest.String(), Size: m.Size,
			Files: []pushedFile{{Path: filepath.Base(file), Type: "module", SHA256: m.SHA256, Size: m.Size}},
		})
		return nil
	})
}

func (o *pullOptions) print(w io.Writer, to string, p pushed) {
	if *o.output == "json" {
		display.JSON(w, p)
		return
	}
	fmt.Fprintf(w, "pulled %s into %s\n", p.Reference, to)
	p.printFiles(w)
	fmt.Fprintf(w, "%s, %s: %s\n", display.Plural(len(p.Files), "file"), display.Bytes(p.Size), p.Digest)
}

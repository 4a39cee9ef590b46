package cli

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
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pullOptions configures pull.
type pullOptions struct {
	registries registryFlags
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
		Args: arguments(1, 2, "what to pull"),
	}
	f := c.Flags()
	f.BoolVar(&o.force, "force", false, "overwrite what is there already")
	action(f, "force")
	o.registries.addFlags(f)
	o.output = outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !isRemote(args[0]) {
			return usage(c, fmt.Sprintf("%q does not begin with oci://", args[0]))
		}
		ref, err := registry.ParseReference(args[0])
		if err != nil {
			return worded(err)
		}
		client, err := o.registries.client()
		if err != nil {
			return err
		}
		defer client.Close()
		root, err := client.Resolve(c.Context(), ref, registry.Credentials{})
		if err != nil {
			return worded(err)
		}
		to := ""
		if len(args) > 1 {
			to = args[1]
		}
		b := bundleIn{client: client, ref: ref, root: root}
		err = b.readManifest(c.Context())
		if errors.Is(err, bundle.ErrNotBundle) {
			return o.pullModule(c, b, cmp.Or(to, path.Base(ref.Repository)+".wasm"))
		}
		if err != nil {
			return worded(err)
		}
		return o.pullBundle(c, b, cmp.Or(to, path.Base(ref.Repository)))
	}
	return c
}

func (o *pullOptions) pullBundle(c *cobra.Command, b bundleIn, dir string) error {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	fetched, err := b.fetch(c.Context(), place, c.ErrOrStderr())
	if err != nil {
		return err
	}
	err = bundle.Unpack(c.Context(), fetched, b.entries, dir, o.force)
	exists := &bundle.ExistsError{}
	if errors.As(err, &exists) {
		return fileExists(filepath.Join(dir, exists.Error()))
	}
	if err != nil {
		return failure("unpack_failed", fmt.Sprintf("%s cannot be unpacked into %s: %v", b.ref, dir, err), "")
	}
	o.print(c.OutOrStdout(), dir, describeEntries(b.ref, b.root.Digest, b.entries))
	return nil
}

func fileExists(what string) error {
	return failure("file_exists", what, "name another place, or overwrite with --force")
}

// pullModule writes the module of an image into a file.
func (o *pullOptions) pullModule(c *cobra.Command, b bundleIn, file string) error {
	if _, err := os.Lstat(file); !o.force && !errors.Is(err, fs.ErrNotExist) {
		return fileExists(file + " is there already")
	}
	return withStore(func(store *module.Store) error {
		resolver := &module.Resolver{Store: store, Registry: b.client}
		m, problem := resolver.Resolve(c.Context(), spec.Module{OCI: b.ref.WithDigest(b.root.Digest.String())})
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
			Reference: scheme + b.ref.String(), Digest: b.root.Digest.String(), Size: m.Size,
			Files: []pushedFile{{Path: filepath.Base(file), Type: "module", SHA256: m.SHA256, Size: m.Size}},
		})
		return nil
	})
}

func (o *pullOptions) print(w io.Writer, to string, p pushed) {
	if *o.output == "json" {
		printJSON(w, p)
		return
	}
	fmt.Fprintf(w, "pulled %s into %s\n", p.Reference, to)
	p.printFiles(w)
	fmt.Fprintf(w, "%s, %s: %s\n", plural(len(p.Files), "file"), byteCount(p.Size), p.Digest)
}

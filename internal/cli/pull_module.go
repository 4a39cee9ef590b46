package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

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

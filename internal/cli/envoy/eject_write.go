package envoy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/eject"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// The permissions of ejected files: configurations have secrets.
const (
	ejectedFile fs.FileMode = 0o600
	ejectedDir  fs.FileMode = 0o700
)

// checkDirectory refuses a directory with files, unless force is true. It makes sure that no file
// lands outside of the directory.
func checkDirectory(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return command.Failure("directory_unusable", fmt.Sprintf("%s cannot be used: %s", dir, reason.Of(err)), "name a directory that is empty, or not there yet")
	case len(entries) > 0 && !force:
		return command.Failure("exists", dir+" has files already", "name an empty directory, or replace the files of an earlier eject with --force")
	}
	for _, name := range []string{eject.FiltersDir, eject.ModulesDir} {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && !info.IsDir() {
			return command.Failure("exists", path+" is there and is no directory", "move it away, or name another directory")
		}
	}
	return nil
}

// writeEjected writes the modules first and the bootstrap last, so no file names a missing
// one. Each file appears whole, in place of an earlier one.
func writeEjected(dir string, modules map[string][]byte, files []eject.File) error {
	for _, path := range []string{dir, filepath.Join(dir, eject.ModulesDir), filepath.Join(dir, eject.FiltersDir)} {
		if err := os.MkdirAll(path, ejectedDir); err != nil {
			return err
		}
	}
	for _, sum := range slices.Sorted(maps.Keys(modules)) {
		files = slices.Insert(files, 0, eject.File{Path: eject.ModulePath(sum), Data: modules[sum]})
	}
	for _, f := range files {
		if err := atomicfile.WriteFile(filepath.Join(dir, filepath.FromSlash(f.Path)), f.Data, ejectedFile); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	return nil
}

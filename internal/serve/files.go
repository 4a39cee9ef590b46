package serve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/state"
)

// files are the parts with data on the disk.
type files struct {
	dir     *state.Dir // locked
	store   *module.Store
	checked *signature.Checked
	keys    *seal.Keys // nil: the state is plain
	// bundles is the directory of bundles. The directory outlives the process, unless the state is
	// sealed.
	bundles string
}

// openFiles opens the state directory with the content. The caller must close the files.
func openFiles(cfg *Config) (f *files, err error) {
	options := state.Options{Group: cfg.ModulesGroup}
	if cfg.StateKeyFile != "" {
		if options.Keys, err = readKeys(cfg); err != nil {
			return nil, err
		}
	}
	f = &files{keys: options.Keys}
	if f.dir, err = openState(cfg.StateDir, options); err != nil {
		return nil, err
	}
	if f.store, err = module.OpenStore(f.dir.Path("modules")); err != nil {
		return nil, errors.Join(stateProblem(f.dir.Path("modules"), err), f.close())
	}
	if f.checked, err = signature.OpenChecked(f.dir.Path("signatures")); err != nil {
		return nil, errors.Join(stateProblem(f.dir.Path("signatures"), err), f.close())
	}
	if err := f.openBundles(); err != nil {
		return nil, errors.Join(stateProblem(f.bundles, err), f.close())
	}
	return f, nil
}

// openBundles makes the directory of bundles, whose files are plain. With a sealed state, the
// directory ends with the process.
func (f *files) openBundles() (err error) {
	f.bundles = f.dir.Path("bundles")
	if f.keys.First() == "" {
		return nil
	}
	if err := removeOthers(f.bundles, nil); err != nil && !errors.Is(err, syscall.EROFS) {
		return err
	}
	f.bundles, err = os.MkdirTemp(runtimeDir(), "wasm-xds-bundles-*")
	return err
}

// runtimeDir returns a directory for a single run of the machine, if there is any. "" means the
// directory for temporary files.
func runtimeDir() string {
	if first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); filepath.IsAbs(first) { // systemd's
		return first
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// readKeys reads the keys of the state.
func readKeys(cfg *Config) (*seal.Keys, error) {
	keys, public, err := seal.ReadFile(cfg.StateKeyFile)
	if err == nil && public {
		cfg.Logger.Warn("users other than the owner can use the keys of the state", zap.String("file", cfg.StateKeyFile), zap.String("hint", "chmod 0600"))
	}
	return keys, err
}

// report logs how the state directory of an earlier process was changed.
func (f *files) report(cfg *Config) {
	log := cfg.Logger.With(zap.String("directory", f.dir.Path()))
	tightened := f.dir.Tightened()
	if len(tightened.Paths) > 0 {
		log.Info("only the server's own user can use the state directory now", zap.Strings("changed", tightened.Paths),
			zap.String("hint", "an Envoy of another user that reads modules there (delivery: file) needs --modules-group"))
	}
	if tightened.Err != nil {
		log.Warn("the state directory keeps its permissions, and other users may see the names of its files",
			zap.Error(tightened.Err), zap.String("hint", "give it to the server's user and to no other use, with the mode 0700"))
	}
	n := f.dir.Resealed()
	switch {
	case n > 0 && f.keys.First() != "":
		log.Info("the files of the state are sealed with the first key now", zap.Int("files", n), zap.String("key", f.keys.First()))
	case n > 0:
		log.Warn("the files of the state are plain now, as the file of keys says", zap.Int("files", n))
	}
}

// close closes the open parts, and at last releases the lock on the directory.
func (f *files) close() error {
	var err error
	if f.checked != nil {
		err = f.checked.Close()
	}
	if f.store != nil {
		f.store.Close()
	}
	if f.bundles != "" && f.bundles != f.dir.Path("bundles") {
		err = errors.Join(err, os.RemoveAll(f.bundles))
	}
	return errors.Join(err, f.dir.Close())
}

package serve

import (
	"errors"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/state"
)

// files are the parts that keep something on the disk.
type files struct {
	dir     *state.Dir // locked
	store   *module.Store
	checked *signature.Checked
}

// openFiles opens the state directory and its content. "" means the user's default directory. The
// caller must close the files.
func openFiles(path string) (f *files, err error) {
	f = &files{}
	if f.dir, err = openState(path); err != nil {
		return nil, err
	}
	if f.store, err = module.OpenStore(f.dir.Path("modules")); err != nil {
		return nil, errors.Join(stateProblem(f.dir.Path("modules"), err), f.close())
	}
	if f.checked, err = signature.OpenChecked(f.dir.Path("signatures")); err != nil {
		return nil, errors.Join(stateProblem(f.dir.Path("signatures"), err), f.close())
	}
	return f, nil
}

// close closes the parts that are open, and at last releases the lock on the directory.
func (f *files) close() error {
	var err error
	if f.checked != nil {
		err = f.checked.Close()
	}
	if f.store != nil {
		f.store.Close()
	}
	return errors.Join(err, f.dir.Close())
}

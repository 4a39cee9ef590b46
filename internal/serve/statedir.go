package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/internal/state"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The codes of the errors of the state directory.
const (
	CodeNoStateDir     = "no_state_dir"           // no directory is given, and there is no default
	CodeStateDirLocked = "state_dir_in_use"       // another server uses the directory
	CodeStateDir       = "state_dir_unusable"     // the directory cannot be created, read or written
	CodeStateDirDenied = "state_dir_not_writable" // the user lacks the permission
	CodeStateSealed    = "state_sealed"           // the state is sealed with a key that is not given
)

// openState opens the state directory. "" means the user's default directory.
func openState(path string, o state.Options) (*state.Dir, error) {
	if path == "" {
		var err error
		if path, err = state.DefaultDir(); err != nil {
			return nil, noStateDir()
		}
	}
	dir, err := state.Open(path, o)
	if err != nil {
		return nil, stateProblem(path, err)
	}
	return dir, nil
}

func noStateDir() error {
	return &spec.Error{
		Code: CodeNoStateDir, Message: "there is no place for the state: none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set",
		Hint: "name one with --state-dir, or set StateDirectory=wasm-xds in the systemd unit",
	}
}

// stateProblem turns an error of the state directory or of a file inside into a spec error. nil
// stays nil.
func stateProblem(path string, err error) error {
	if err == nil {
		return nil
	}
	if abs, absErr := filepath.Abs(path); absErr == nil {
		path = abs
	}
	e := &spec.Error{Code: CodeStateDir, Message: fmt.Sprintf("the state directory %s cannot be used: %s", path, reason.Of(err))}
	const another = "choose another with --state-dir"
	var locked *state.LockedError
	var sealed *seal.LockedError
	switch {
	case errors.As(err, &sealed):
		e.Code, e.Message = CodeStateSealed, fmt.Sprintf("the state in %s cannot be read: %s", path, sealed)
		e.Hint = "start with the file that has this key: --state-key-file; to begin without the state, " + another
		if sealed.ID == "" {
			e.Hint = "start the newer version again, or " + another
		}
	case errors.As(err, &locked):
		e.Code, e.Message = CodeStateDirLocked, fmt.Sprintf("the state directory %s is in use by %s", locked.Dir, locked.Holder())
		e.Hint = "stop that one, or " + another
	case errors.Is(err, fs.ErrPermission):
		e.Code = CodeStateDirDenied
		e.Hint = fmt.Sprintf("give it to the user with id %d, as which wasm-xds runs (chown), or %s", os.Getuid(), another)
		if there := lastThere(path); there != path {
			e.Hint = fmt.Sprintf("make it and give it to the user with id %d: that user may not write in %s; or %s", os.Getuid(), there, another)
		}
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EEXIST):
		e.Hint = lastThere(path) + " is a file: move it away, or " + another
	case errors.Is(err, syscall.EROFS):
		e.Hint = "its file system is read-only: mount a volume there, or " + another
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Hint = "there is no space left on its file system: make room, or " + another
	default:
		e.Hint = another
	}
	return e
}

// lastThere returns the path itself, or the nearest existing parent.
func lastThere(path string) string {
	for {
		if _, err := os.Lstat(path); err == nil || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

// removeOthers removes the stored bundles missing in the configuration.
func removeOthers(dir string, keep map[string]struct{}) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := keep[e.Name()]; ok {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

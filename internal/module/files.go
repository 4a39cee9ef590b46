package module

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// files brings modules from local files into the store.
type files struct{ store *Store }

// fetch copies the file into the store in a single pass and checks the copy, because the file
// itself may change at any time.
func (fl *files) fetch(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	path := m.File.Path
	fail := func(err error) (snapshot.Module, *spec.Error) {
		return snapshot.Module{}, fileError(m, err)
	}
	f, before, err := (*regular.Bounds)(m.File.Bounds).Open(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	if before.Size() > MaxSize {
		return fail(fmt.Errorf("%w: %d bytes", ErrTooLarge, before.Size()))
	}
	stored, err := fl.store.put(ctx, f, MaxSize, func(stored *os.File, found snapshot.Module) error {
		after, err := f.Stat()
		if err != nil {
			return err
		}
		if stampOf(before) != stampOf(after) || found.Size != after.Size() {
			return &spec.Error{
				Code:    CodeChanging,
				Message: fmt.Sprintf("module %s changed while it was read", path), Hint: pickedUp,
			}
		}
		return check(stored, found, m, path, anyBytes)
	})
	if err != nil {
		return fail(err)
	}
	return stored, nil
}

// fileError turns an error of a file into a spec error. A spec error only gets its position.
func fileError(m spec.Module, err error) *spec.Error {
	path := m.File.Path
	problem := &spec.Error{}
	switch out := outside(m.File, err); {
	case out != nil:
		problem = out
	case errors.As(err, &problem):
	case errors.Is(err, errStore):
		problem = storeFailed(path, err)
	case errors.Is(err, fs.ErrNotExist):
		problem.Code, problem.Message = CodeMissing, fmt.Sprintf("module %s does not exist", path)
		problem.Hint = "build it, or correct module.file; it is taken up as soon as it is there"
	case errors.Is(err, fs.ErrPermission):
		problem.Code, problem.Message = CodeUnreadable, fmt.Sprintf("module %s may not be read", path)
		problem.Hint = fmt.Sprintf("let the user with id %d read the file and enter its directories", os.Geteuid())
	case errors.Is(err, regular.ErrNotRegular):
		problem.Code, problem.Message = CodeNotAFile, fmt.Sprintf("module %s cannot be read: %v", path, err)
		problem.Hint = "name the .wasm file itself"
	case errors.Is(err, ErrTooLarge):
		problem.Code, problem.Message, problem.Hint = tooLarge(path)
	default:
		problem.Code, problem.Message = CodeUnreadable, fmt.Sprintf("module %s cannot be read: %v", path, err)
	}
	problem.Pos = m.File.Pos
	if problem.Pos == (spec.Position{}) || problem.Code == CodeSHA256Mismatch {
		problem.Pos = m.Pos
	}
	return problem
}

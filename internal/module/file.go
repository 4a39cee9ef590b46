package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const pickedUp = "it is picked up when the copy is complete"

// resolveFile copies the file into the store in a single pass and checks the copy, because the file
// itself may change at any time.
func (r *Resolver) resolveFile(ctx context.Context, m spec.Module, anyBytes bool) (snapshot.Module, *spec.Error) {
	path := m.File.Path
	fail := func(err error) (snapshot.Module, *spec.Error) {
		return snapshot.Module{}, fileError(m, err)
	}
	f, before, err := openRegular(path)
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	if before.Size() > MaxSize {
		return fail(fmt.Errorf("%w: %d bytes", ErrTooLarge, before.Size()))
	}
	stored, err := r.Store.put(ctx, f, MaxSize, func(stored *os.File, found snapshot.Module) error {
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

// check checks bytes before they enter the store. Errors call the bytes what.
func check(stored io.ReaderAt, found snapshot.Module, m spec.Module, what string, anyBytes bool) error {
	if !anyBytes {
		if err := checkWasm(stored, found.Size); err != nil {
			err.Message = fmt.Sprintf("module %s %s", what, err.Message)
			return err
		}
	}
	if m.SHA256 != "" && m.SHA256 != found.SHA256 {
		return mismatch(m, found.SHA256, what)
	}
	return nil
}

func mismatch(m spec.Module, got, what string) *spec.Error {
	hint := fmt.Sprintf("if these are the bytes you mean, put module.sha256: %s into the spec", got)
	if strings.EqualFold(m.SHA256, got) {
		hint = "write the sha256 in lower case"
	}
	return &spec.Error{
		Code:    CodeSHA256Mismatch,
		Message: fmt.Sprintf("module %s has sha256 %s, but the spec says %s", what, got, m.SHA256),
		Hint:    hint,
	}
}

var errNotRegular = errors.New("not a regular file")

func openRegular(path string) (*os.File, fs.FileInfo, error) {
	// Without O_NONBLOCK the open of a pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w but %s", errNotRegular, kindOf(info))
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}

// fileError turns an error of a file into a spec error. A spec error only gets its position.
func fileError(m spec.Module, err error) *spec.Error {
	path := m.File.Path
	problem := &spec.Error{}
	switch {
	case errors.As(err, &problem):
	case errors.Is(err, errStore):
		problem = storeFailed(path, err)
	case errors.Is(err, fs.ErrNotExist):
		problem.Code, problem.Message = CodeMissing, fmt.Sprintf("module %s does not exist", path)
		problem.Hint = "build it, or correct module.file; it is taken up as soon as it is there"
	case errors.Is(err, fs.ErrPermission):
		problem.Code, problem.Message = CodeUnreadable, fmt.Sprintf("module %s may not be read", path)
		problem.Hint = fmt.Sprintf("let the user with id %d read the file and enter its directories", os.Geteuid())
	case errors.Is(err, errNotRegular):
		problem.Code, problem.Message = CodeNotAFile, fmt.Sprintf("module %s is %v", path, err)
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

func tooLarge(what string) (code, message, hint string) {
	return CodeTooLarge, fmt.Sprintf("module %s has more than %d MiB", what, MaxSize>>20),
		"strip it (wasm-strip, or -ldflags=-s with Go) or build it with optimization"
}

package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/state"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestNoPlaceForTheState(t *testing.T) {
	for _, name := range []string{"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"} {
		t.Setenv(name, "")
	}
	_, err := openState("", state.Options{})
	wantProblem(t, err, CodeNoStateDir, "--state-dir")
}

func TestStateDirectoryProblems(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openState(filepath.Join(file, "below"), state.Options{})
	wantProblem(t, err, CodeStateDir, file+" is a file")
	_, err = openState(file, state.Options{})
	wantProblem(t, err, CodeStateDir, file+" is a file")

	first, err := openState(filepath.Join(dir, "state"), state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = openState(filepath.Join(dir, "state"), state.Options{})
	wantProblem(t, err, CodeStateDirLocked, "stop that one")
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	// Root may write anywhere, so these errors cannot be produced on disk in each environment.
	missing := filepath.Join(dir, "no", "such")
	wantProblem(t, stateProblem(missing, &fs.PathError{Err: syscall.EACCES}), CodeStateDirDenied, "may not write in "+dir)
	wantProblem(t, stateProblem(dir, &fs.PathError{Err: syscall.EACCES}), CodeStateDirDenied, fmt.Sprintf("id %d", os.Getuid()))
	wantProblem(t, stateProblem(dir, &fs.PathError{Err: syscall.EROFS}), CodeStateDir, "read-only")
	wantProblem(t, stateProblem(dir, &fs.PathError{Err: syscall.ENOSPC}), CodeStateDir, "make room")
	wantProblem(t, stateProblem(dir, errors.New("it is odd")), CodeStateDir, "--state-dir")
	if stateProblem(dir, nil) != nil {
		t.Error("no error is a problem")
	}
}

func TestAddressProblems(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, err = listen(&Config{XDSAddress: "127.0.0.1:0", ModulesAddress: ln.Addr().String(), AdminAddress: "127.0.0.1:0"})
	wantProblem(t, err, "address_in_use", "--modules-address")
	_, err = listen(&Config{XDSAddress: "192.0.2.1:0", ModulesAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0"})
	wantProblem(t, err, "cannot_listen", "--xds-address")
}

func wantProblem(t *testing.T, err error, code, hint string) {
	t.Helper()
	var e *spec.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Hint, hint) {
		t.Errorf("got %v, want %s with a hint of %q", err, code, hint)
	}
}

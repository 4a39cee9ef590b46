package reason

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestOf(t *testing.T) {
	for want, err := range map[string]error{
		"no such file or directory": fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}),
		"it is no file":             fmt.Errorf("read: %w", &fs.PathError{Op: "open", Path: "x", Err: errors.New("it is no file")}),
		"it is odd":                 errors.New("it is odd"),
	} {
		if got := Of(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

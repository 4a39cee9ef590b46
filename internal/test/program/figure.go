package program

import (
	"fmt"
	"os"
)

// Figure logs a figure of a test. Go prints the log of a test only after a failure, so `make test`
// names a file with $WASM_XDS_TEST_FIGURES, and prints the figures in the file at its end.
func Figure(t interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}, format string, args ...any,
) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	t.Logf("%s", text)
	path := os.Getenv("WASM_XDS_TEST_FIGURES")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Errorf("%v", err)
		return
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, text); err != nil {
		t.Errorf("%v", err)
	}
}

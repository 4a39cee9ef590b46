package terminal_test

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"plain\tülo 世界":        "plain\tülo 世界",
		"\x1b[31mred\x1b[0m":   "\ufffd[31mred\ufffd[0m",
		"two\nlines\r":         "two\ufffdlines\ufffd",
		"turned \u202e around": "turned \ufffd around",
		"broken \xff":          "broken \ufffd",
	} {
		if got := terminal.Printable(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

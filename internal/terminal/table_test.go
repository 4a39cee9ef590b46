package terminal_test

import (
	"os"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func ExampleTable() {
	var t terminal.Table
	t.Row("NAME", "STATE", "LIVE")
	t.Row("auth", "active", "1/1")
	t.Row("世界", "rolling out", "10/12")
	t.Write(os.Stdout)
	// Output:
	// NAME  STATE        LIVE
	// auth  active       1/1
	// 世界  rolling out  10/12
}

func TestColorsDoNotMoveColumns(t *testing.T) {
	table := terminal.Table{Style: terminal.Style{Colors: true}}
	table.Cells(terminal.Cell{Text: "a", Color: terminal.Red}, terminal.Cell{Text: "b"})
	table.Row("long", "c")
	var b strings.Builder
	table.Write(&b)
	if want := "\x1b[31ma\x1b[0m     b\nlong  c\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"one two", "one two"},
		{"one two three", "one two\n  three"},
		{"a/word/that/is/too/long for it", "a/word/that/is/too/long\n  for it"},
		{"one two three four", "one two\n  three\n  four"},
	} {
		if got := terminal.Wrap(tt.text, 10, "  "); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

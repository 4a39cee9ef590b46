package serve

import (
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// A bad new file of tokens is in the status until the file is good again, and changes nothing.
func TestBadTokenFileIsShown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	tokens := func(text string) { pki.WriteFile(t, path, []byte(text)) }
	tokens("read CANARY-0123456789\n")
	o, err := openTokens(&Config{AdminTokenFile: path, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	file := o.followed()[0]
	file.look()
	if s := o.state(); s.File != path || s.Tokens != 1 || s.Error != nil {
		t.Fatalf("a good file: %+v", s)
	}
	tokens("read CANARY-0123456789\nwrite CANARY-9876543210\n")
	file.look()
	s := o.state()
	if s.Tokens != 1 || s.Error == nil || s.Error.Code != "bad_token_file" || s.Error.File != path || s.Error.Line != 2 || s.Error.Hint == "" ||
		strings.Contains(s.Error.Message, "CANARY") {
		t.Errorf("a bad file: %+v, %+v", s, s.Error)
	}
	if _, known := o.file.Find("CANARY-0123456789"); !known {
		t.Error("the last good token does not count any more")
	}
	tokens("read CANARY-0123456789\n")
	file.look()
	if s := o.state(); s.Error != nil {
		t.Errorf("the last good file again: %+v", s.Error)
	}
	if none, err := openTokens(&Config{Logger: zap.NewNop()}); err != nil || none.state().File != "" {
		t.Errorf("without a file: %v", err)
	}
}

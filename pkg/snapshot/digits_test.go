package snapshot_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func TestIsHex(t *testing.T) {
	for text, want := range map[string]bool{
		"0123456789ab": true, "cdefcdefcdef": true, "0123456789a": false, "0123456789abc": false, "": false,
		"0123456789aB": false, "0123456789ag": false, "0123456789a/": false, "0123456789a:": false, "0123456789a`": false,
		"0123456789a\x00": false, "0123456789é": false, " 123456789ab": false,
	} {
		if got := snapshot.IsHex(text, 12); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	for text, want := range map[string]bool{
		strings.Repeat("a", 64): true, strings.Repeat("a", 63): false, strings.Repeat("a", 65): false,
		strings.Repeat("A", 64): false, "sha256:" + strings.Repeat("a", 57): false,
	} {
		if got := snapshot.IsSHA256(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

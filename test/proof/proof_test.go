package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A short proof shows the difference and succeeds.
func TestProof(t *testing.T) {
	var out, words strings.Builder
	if code := run([]string{"-edits", "2"}, &out, &words); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out.String(), words.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[3], "| wasm-xds | 2 | 2 |") || !strings.Contains(lines[3], "| 0 (0 %) | 0 |") {
		t.Errorf("the table:\n%s", out.String())
	}
	if strings.Contains(lines[2], "| 0 (0 %) |") {
		t.Errorf("nothing has bypassed the filter of the plain control plane: does Envoy behave otherwise now?\n%s", out.String())
	}
}

package cause

import (
	"strings"
	"testing"
)

// A panic and its reason are lines of their own in Envoy's log, too.
func TestExplainJoinsPanics(t *testing.T) {
	const prefix = "[2026-11-30 08:46:53.803][20170][error][wasm] [source/extensions/common/wasm/context.cc:1160] wasm log auth: "
	for name, tt := range map[string]struct{ log, want string }{
		"Go":                 {prefix + "panic: \n" + prefix + "no token\n", "the filter's code gave up: panic: no token"},
		"Rust":               {prefix + "panicked at src/lib.rs:3:5:\nno token\n", "the filter's code gave up: panicked at src/lib.rs:3:5: no token"},
		"another's line":     {prefix + "panic: \n" + strings.Replace(prefix, "auth", "hello", 1) + "fine\n", "the filter's code gave up: panic:"},
		"nothing comes":      {prefix + "panic: ", "the filter's code gave up: panic:"},
		"no place, no words": {"wasm error: \nproxy-wasm plugin in-VM backtrace:\n", "the module trapped: with failurePolicy closed"},
	} {
		got, err := Explain(strings.NewReader(tt.log))
		if err != nil || len(got) != 1 || got[0].Line < 1 || !strings.HasPrefix(got[0].Means, tt.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

package builtin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// These values keep subscribers on their stand-ins across upgrades of wasm-xds. A change of a
// value causes a push to every Envoy that runs the stand-in. The first eight digits may never
// change.
func TestGolden(t *testing.T) {
	deny := func(filter string, ft spec.Type, runtime string) *snapshot.Revision {
		return Deny(filter, ft, "has no spec", runtime)
	}
	for _, tc := range []struct {
		name     string
		make     func(string, spec.Type, string) *snapshot.Revision
		t        spec.Type
		policy   spec.FailurePolicy
		size     int
		sha256   string
		revision string
	}{
		{"passthrough http", Passthrough, spec.HTTP, spec.Open, 124, "f36b677c55bed6d3487ce6ad5349603a7dafd446a31beac58a1d9870df79d997", "c07d129af36b"},
		{"passthrough network", Passthrough, spec.Network, spec.Open, 124, "f36b677c55bed6d3487ce6ad5349603a7dafd446a31beac58a1d9870df79d997", "e2580474f36b"},
		{"deny http", deny, spec.HTTP, spec.Closed, 347, "f7570527396bf0dfc4da351d816fb18d66c5a999839ecc23097255045516afb9", "d849ebd8f757"},
		{"deny network", deny, spec.Network, spec.Closed, 326, "c6e9fee9196ee04401966e2e788aad413c5f541e759ef2369337578735a8b028", "b32a11ddc6e9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.make("auth", tc.t, "")
			sum := sha256.Sum256(r.Code)
			if got := hex.EncodeToString(sum[:]); got != tc.sha256 || len(r.Code) != tc.size {
				t.Errorf("module: %d, %q\nwant %d, %q", len(r.Code), got, tc.size, tc.sha256)
			}
			if r.Module.SHA256 != hex.EncodeToString(sum[:]) || r.Module.Size != int64(len(r.Code)) {
				t.Errorf("the revision names another module: %+v", r.Module)
			}
			if r.ID != tc.revision {
				t.Errorf("revision %q, want %q", r.ID, tc.revision)
			}
			if r.Filter != "auth" || r.Type != tc.t || r.Policy != tc.policy || !r.BuiltIn || r.VM.Runtime != "envoy.wasm.runtime.v8" {
				t.Errorf("revision %+v", r)
			}
			if again := tc.make("auth", tc.t, ""); !bytes.Equal(r.Code, again.Code) {
				t.Error("another call gives other bytes")
			}
		})
	}
}

func TestPassthroughIsOneModule(t *testing.T) {
	if a, b := Passthrough("a", spec.HTTP, ""), Passthrough("b", spec.Network, ""); !bytes.Equal(a.Code, b.Code) {
		t.Error("two pass-through modules differ")
	}
}

func TestDenySaysWhy(t *testing.T) {
	module := Deny("auth", spec.HTTP, "has no spec", "").Code
	want := "wasm-xds: filter \"auth\" has no spec; run: wasm-xds status auth\n"
	if !bytes.Contains(module, []byte(want)) {
		t.Errorf("no %q in the module", want)
	}
	module = Deny("tcp", spec.Network, "has no spec", "").Code
	want = "wasm-xds: filter \"tcp\" has no spec; run: wasm-xds status tcp"
	if !bytes.Contains(module, []byte(want)) {
		t.Errorf("no %q in the module", want)
	}
}

func TestExplain(t *testing.T) {
	for _, tc := range []struct {
		name, filter, reason, want string
	}{
		{
			"control characters", "a\x00b", "one\r\ntwo\tthree\x1b[31m\u0085\u2028",
			`wasm-xds: filter "a b" one  two three [31m; run: wasm-xds status a b`,
		},
		{
			"not UTF-8, not printable", "auth", "x\xff\u200b",
			"wasm-xds: filter \"auth\" x\ufffd\ufffd; run: wasm-xds status auth",
		},
		{"empty", "", "", `wasm-xds: filter "" ; run: wasm-xds status `},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := explain(tc.filter, tc.reason); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestCleanCutsBetweenRunes(t *testing.T) {
	if got := clean("aé", 2); got != "a…" {
		t.Errorf("got %q", got)
	}
	if got := clean("aé", 3); got != "aé" {
		t.Errorf("got %q", got)
	}
}

func FuzzDeny(f *testing.F) {
	f.Add("auth", "has no spec")
	f.Add(strings.Repeat("é", 300), strings.Repeat("\n", 2000))
	f.Fuzz(func(t *testing.T, filter, reason string) {
		line := explain(filter, reason)
		if !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x00\x1b") {
			t.Errorf("not one clean line: %q", line)
		}
		if most := 2*maxNameBytes + maxReasonBytes + 64; len(line) > most {
			t.Errorf("%d bytes", len(line))
		}
		for _, ft := range []spec.Type{spec.HTTP, spec.Network} {
			if module := Deny(filter, ft, reason, "").Code; len(module) > 2048 {
				t.Errorf("%s: module of %d bytes", ft, len(module))
			}
		}
	})
}

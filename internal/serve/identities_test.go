package serve

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A server with half of the configuration, or with bad rules, does not start.
func TestOpenIdentities(t *testing.T) {
	mutual, oneSided := tlsfiles.Config{ClientCAFile: "ca.crt"}, tlsfiles.Config{CertFile: "tls.crt", KeyFile: "tls.key"}
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	pki.WriteFile(t, good, []byte("rules: [{san: a}]\n"))
	pki.WriteFile(t, bad, []byte("rules:\n  - sna: a\n"))
	for _, tt := range []struct {
		mode  NodeIdentity
		tls   tlsfiles.Config
		rules string
		want  string // in the error; "": the server starts
	}{
		{"", tlsfiles.Config{}, "", ""},
		{NodeIdentityNone, mutual, "", ""},
		{NodeIdentitySAN, mutual, "", ""},
		{NodeIdentitySAN, mutual, good, ""},
		{NodeIdentitySAN, oneSided, "", "needs certificates of clients"},
		{NodeIdentitySAN, tlsfiles.Config{}, good, "needs certificates of clients"},
		{NodeIdentityNone, mutual, good, "without --node-identity san"},
		{NodeIdentitySAN, mutual, bad, `bad.yaml:2:5: unknown field "sna" in rules[0] (did you mean "san"?)`},
		{NodeIdentitySAN, mutual, dir, "it is no regular file"},
		{NodeIdentitySAN, mutual, good + "x", "good.yamlx: the rules cannot be read: no such file"},
	} {
		_, err := openIdentities(&Config{NodeIdentity: tt.mode, TLS: tt.tls, NodeIdentityRules: tt.rules, Logger: zap.NewNop()})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt, err)
		}
		if e := (&spec.Error{}); err != nil && (!errors.As(err, &e) || e.Hint == "") {
			t.Errorf("%+v: no next step: %v", tt, err)
		}
	}
}

// Good new rules are used, and bad ones keep the last good ones and are shown.
func TestRulesAreFollowed(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	path := filepath.Join(t.TempDir(), "rules.yaml")
	rules := func(san string) { pki.WriteFile(t, path, []byte("others: none\nrules: [{"+san+"}]\n")) }
	rules("san: a")
	i, err := openIdentities(&Config{NodeIdentity: NodeIdentitySAN, TLS: tlsfiles.Config{ClientCAFile: "ca.crt"}, NodeIdentityRules: path, Logger: zap.New(core)})
	if err != nil {
		t.Fatal(err)
	}
	isA := func(node string) bool {
		grant, _ := i.decide(identity.New(nil, []string{node}), node, "")
		return grant != nil
	}
	changes := 0
	file := i.followed(func() { changes++ })[0]
	file.look()
	if changes != 0 || !isA("a") || isA("b") {
		t.Fatalf("%d changes without a change", changes)
	}
	rules("san: b")
	file.look()
	if changes != 1 || isA("a") || !isA("b") {
		t.Fatalf("%d changes after a change", changes)
	}
	rules("sna: a")
	file.look()
	file.look()
	if e := i.state().Error; changes != 1 || !isA("b") || e == nil || e.File != path || e.Line != 2 || e.Column != 10 || e.Hint == "" {
		t.Fatalf("%d changes after bad rules, %+v", changes, e)
	}
	if n := logs.FilterMessageSnippet("cannot be used, and the last good ones stay").Len(); n != 1 {
		t.Errorf("bad rules are logged %d times", n)
	}
	rules("san: b")
	file.look()
	if i.state().Error != nil || i.state().Rules != 1 || i.state().Mode != "san" || logs.FilterMessageSnippet("last good rules again").Len() != 1 {
		t.Errorf("%+v", i.state())
	}
}

package etcdspecs

import (
	"strings"
	"testing"
)

func TestParsePlace(t *testing.T) {
	for _, arg := range []string{"etcd:///wasm-xds", "etcd://wasm-xds", "etcd:///wasm-xds/", "etcd://wasm-xds/specs", "etcd:///wasm-xds/specs/"} {
		p, err := ParsePlace(arg)
		if err != nil || p.String() != "etcd:///wasm-xds" || p.Head() != "/wasm-xds/specs/head" {
			t.Errorf("%s: %v, %v", arg, p, err)
		}
	}
	if p, err := ParsePlace("etcd:///team/a:b"); err != nil || p.Head() != "/team/a:b/specs/head" {
		t.Errorf("%v, %v", p, err)
	}
	for arg, want := range map[string]string{
		"wasm-xds":                               "does not begin with",
		"etcd://":                                "no prefix",
		"etcd:///":                               "no prefix",
		"etcd:///specs":                          "no prefix",
		"etcd://etcd-1:2379/wasm-xds":            "--etcd-endpoints",
		"etcd:///a//b":                           "empty part",
		"etcd:///a/../b":                         "..",
		"etcd:///a b":                            "characters",
		"etcd:///a\nb":                           "characters",
		"etcd:///a\xff":                          "characters",
		"etcd:///" + strings.Repeat("a", 10_000): "too long",
	} {
		if p, err := ParsePlace(arg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v", arg, p, err)
		}
	}
}

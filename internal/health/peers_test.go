package health_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// envoys reads "a:1.40/edge/x b:1.36//x": node ids with version, cluster and other filters.
func envoys(text string) (all []health.Envoy) {
	for _, one := range strings.Fields(text) {
		id, rest, _ := strings.Cut(one, ":")
		parts := strings.Split(rest, "/")
		all = append(all, health.Envoy{Key: signal.Key{Node: id}, Version: parts[0], Cluster: parts[1], Others: parts[2]})
	}
	return all
}

// TestMatch shows which Envoys are compared with which.
func TestMatch(t *testing.T) {
	for name, test := range map[string]struct{ canaries, stable, want string }{
		"alike":                              {"a:1/e/x", "b:1/e/x c:1/e/x", "a|b,c"},
		"another filter is being rolled out": {"a:1/e/x", "b:1/e/y c:1/e/x", "a|c"},
		"all others differ":                  {"a:1/e/x", "b:1/e/y", ""},
		"two versions":                       {"a:1/e/x b:2/e/x", "c:1/e/x d:2/e/x", "a|c b|d"},
		"the same cluster first":             {"a:1/e/x", "b:1/f/x c:1/e/x", "a|c"},
		"a cluster of its own":               {"a:1/canary/x", "b:1/e/x c:2/e/x", "a|b"},
		"a version of its own":               {"a:3/e/x", "b:1/e/x c:2/e/x", "a|b,c"},
		"a node id on both sides":            {"a:1/e/x b:1/e/x", "b:1/e/x c:1/e/x", "a,b|c"},
		"no stable Envoy":                    {"a:1/e/x", "", ""},
	} {
		var got []string
		for _, p := range health.Match(envoys(test.canaries), envoys(test.stable)) {
			got = append(got, ids(p.Canary)+"|"+ids(p.Stable))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func ids(envoys []health.Envoy) string {
	var all []string
	for _, e := range envoys {
		all = append(all, e.Node)
	}
	return strings.Join(all, ",")
}

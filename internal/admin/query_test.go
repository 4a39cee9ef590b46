package admin

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestQueries(t *testing.T) {
	s := someState()
	s.nodes = []api.Node{
		{ID: "edge-1", Cluster: "edge", Envoy: "1.40.0", Mode: "ads-delta", State: api.NodeConnected, Filters: []api.NodeFilter{{Name: "auth"}}},
		{ID: "edge-2", Cluster: "core", Envoy: "1.36.4", Mode: "ads-sotw", State: api.NodeConnected},
		{ID: "edge-3", Cluster: "edge", State: api.NodeGone},
	}
	h := Handler(s, Options{})
	for _, tt := range []struct{ path, want string }{
		{"filters", "auth team/hello"},
		{"filters?state=active", "auth"},
		{"filters?state=active,rejected", "auth team/hello"},
		{"filters?state=active&state=rejected", "auth team/hello"},
		{"filters?state=active&type=network", ""},
		{"filters?condition=failing", "team/hello"},
		{"filters?name=team/hello", "team/hello"},
		{"filters?node=edge-1", "auth"},
		{"filters?node=edge-1&cluster=core", ""},
		{"nodes", "edge-1 edge-2"},
		{"nodes?state=gone", "edge-3"},
		{"nodes?state=connected,gone&cluster=edge", "edge-1 edge-3"},
		{"nodes?filter=auth", "edge-1"},
		{"nodes?envoy=1.36.4", "edge-2"},
		{"nodes?mode=ads-sotw", "edge-2"},
		{"filters?stat=active", `did you mean \"state\"?`},
		{"filters?state=activ", "state is one of active, rejected, removed, unknown, preparing"},
		{"nodes?zzzzzzz=1", "there are cluster, envoy, filter, mode, node, state"},
	} {
		answer := request(t, h, "GET", "/api/v1/"+tt.path, nil).Body.String()
		var list []struct{ Name, ID string }
		if json.Unmarshal([]byte(answer), &list) != nil {
			if !strings.Contains(answer, tt.want) {
				t.Errorf("%s: %s, want %q", tt.path, answer, tt.want)
			}
			continue
		}
		var names []string
		for _, one := range list {
			names = append(names, one.Name+one.ID)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}

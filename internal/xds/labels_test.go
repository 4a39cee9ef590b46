package xds

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// The labels of a workload select an Envoy like its metadata, as Istio's proxies have them.
func TestLabelsOfANode(t *testing.T) {
	metadata, err := structpb.NewStruct(map[string]any{
		"env": "prod", "LABELS": map[string]any{"app": "web", "env": "dev"}, "labels": map[string]any{"tier": "edge", "n": 3}, "other": map[string]any{"team": "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := describe(&corev3.Node{Id: "a", Metadata: metadata}, "127.0.0.1:1")
	for key, want := range map[string]string{"app": "web", "env": "prod", "tier": "edge", "n": "3", "team": ""} {
		if got := d.Metadata[key]; got != want {
			t.Errorf("%s is %q, and not %q", key, got, want)
		}
	}
}

package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// sotwCallbacks and deltaCallbacks tell a stream what its go-control-plane server does.
type sotwCallbacks struct{ s *stream }

func (sotwCallbacks) OnStreamOpen(context.Context, int64, string) error          { return nil }
func (sotwCallbacks) OnStreamRequest(int64, *discoveryv3.DiscoveryRequest) error { return nil }
func (c sotwCallbacks) OnStreamClosed(int64, *corev3.Node)                       { c.s.close() }
func (c sotwCallbacks) OnStreamResponse(_ context.Context, _ int64, _ *discoveryv3.DiscoveryRequest, r *discoveryv3.DiscoveryResponse) {
	if r.GetTypeUrl() == resourcev3.ExtensionConfigType {
		c.s.onSend(r.GetNonce())
	}
}

type deltaCallbacks struct{ s *stream }

func (deltaCallbacks) OnDeltaStreamOpen(context.Context, int64, string) error { return nil }
func (deltaCallbacks) OnStreamDeltaRequest(int64, *discoveryv3.DeltaDiscoveryRequest) error {
	return nil
}
func (c deltaCallbacks) OnDeltaStreamClosed(int64, *corev3.Node) { c.s.close() }
func (c deltaCallbacks) OnStreamDeltaResponse(_ int64, _ *discoveryv3.DeltaDiscoveryRequest, r *discoveryv3.DeltaDiscoveryResponse) {
	if r.GetTypeUrl() == resourcev3.ExtensionConfigType {
		c.s.onSend(r.GetNonce())
	}
}

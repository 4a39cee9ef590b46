package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
)

// sotwCallbacks and deltaCallbacks tell a stream what its go-control-plane server does.
type sotwCallbacks struct{ s *stream }

func (sotwCallbacks) OnStreamOpen(context.Context, int64, string) error { return nil }
func (c sotwCallbacks) OnStreamClosed(int64, *corev3.Node)              { c.s.close() }

func (c sotwCallbacks) OnStreamRequest(_ int64, r *discoveryv3.DiscoveryRequest) error {
	c.s.takeNode(r.GetNode())
	c.s.takeNames(r)
	return nil
}

func (c sotwCallbacks) OnStreamResponse(_ context.Context, _ int64, _ *discoveryv3.DiscoveryRequest, r *discoveryv3.DiscoveryResponse) {
	if r.GetTypeUrl() == resourcev3.ExtensionConfigType {
		c.s.onSend(r.GetNonce())
	}
}

type deltaCallbacks struct{ s *stream }

func (deltaCallbacks) OnDeltaStreamOpen(context.Context, int64, string) error { return nil }

func (c deltaCallbacks) OnStreamDeltaRequest(_ int64, r *discoveryv3.DeltaDiscoveryRequest) error {
	c.s.takeNode(r.GetNode())
	c.s.takeDeltaNames(r)
	return nil
}
func (c deltaCallbacks) OnDeltaStreamClosed(int64, *corev3.Node) { c.s.close() }
func (c deltaCallbacks) OnStreamDeltaResponse(_ int64, _ *discoveryv3.DeltaDiscoveryRequest, r *discoveryv3.DeltaDiscoveryResponse) {
	if r.GetTypeUrl() == resourcev3.ExtensionConfigType {
		c.s.onSend(r.GetNonce())
	}
}

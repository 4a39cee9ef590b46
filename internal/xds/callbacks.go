package xds

import (
	"context"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
)

// sotwCallbacks and deltaCallbacks tell a stream about the events of its go-control-plane server.
type sotwCallbacks struct {
	s    *stream
	wire *sotwWire
}

func (sotwCallbacks) OnStreamOpen(context.Context, int64, string) error { return nil }
func (c sotwCallbacks) OnStreamClosed(int64, *corev3.Node)              { c.s.close() }

func (c sotwCallbacks) OnStreamRequest(_ int64, r *discoveryv3.DiscoveryRequest) error {
	whole := c.wire.whole(r)
	defer whole.take()
	if err := c.s.takeNode(r.GetNode()); err != nil {
		return err
	}
	return c.s.takeNames(whole.message.ReadOnlyData())
}

func (sotwCallbacks) OnStreamResponse(context.Context, int64, *discoveryv3.DiscoveryRequest, *discoveryv3.DiscoveryResponse) {
}

type deltaCallbacks struct {
	s    *stream
	wire *deltaWire
}

func (deltaCallbacks) OnDeltaStreamOpen(context.Context, int64, string) error { return nil }

func (c deltaCallbacks) OnStreamDeltaRequest(_ int64, r *discoveryv3.DeltaDiscoveryRequest) error {
	if err := c.s.takeNode(r.GetNode()); err != nil {
		return err
	}
	c.s.takeDeltaNames(c.wire.whole(r))
	return nil
}
func (c deltaCallbacks) OnDeltaStreamClosed(int64, *corev3.Node) { c.s.close() }
func (deltaCallbacks) OnStreamDeltaResponse(int64, *discoveryv3.DeltaDiscoveryRequest, *discoveryv3.DeltaDiscoveryResponse) {
}

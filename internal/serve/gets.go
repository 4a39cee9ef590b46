package serve

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/peer"
)

// gets passes the events of the module server to the control, and the answers to the metrics. The
// GET of an Envoy with a stream to another replica is for that replica.
type gets struct {
	control  *control.Control
	recorder *metrics.Recorder
	fleet    *fleet
}

// FetchStarted passes on the start of a GET.
func (g gets) FetchStarted(client, token string) {
	if !g.control.Gave(token) {
		g.fleet.Tell(peer.Get{Token: token, Client: client})
		return
	}
	g.control.Handle(context.Background(), delivery.FetchStarted{Token: token, Certificate: client})
}

// FetchFinished passes on the end of a GET.
func (g gets) FetchFinished(client, token string, end moduleserver.End) {
	if !g.control.Gave(token) {
		g.fleet.Tell(peer.Get{
			Token: token, Client: client, Ended: true, Complete: end != moduleserver.Broken, Taken: end == moduleserver.Taken,
		})
		return
	}
	g.control.Handle(context.Background(), delivery.FetchFinished{
		Token: token, Certificate: client, Complete: end != moduleserver.Broken, Taken: end == moduleserver.Taken,
	})
}

// Answered counts an answer.
func (g gets) Answered(status int, bytes int64) { g.recorder.ModuleServed(status, bytes) }

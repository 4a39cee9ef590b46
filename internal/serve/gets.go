package serve

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
)

// gets passes the events of the module server to the control, and the answers to the metrics.
type gets struct {
	control  *control.Control
	recorder *metrics.Recorder
}

// FetchStarted passes on the start of a GET.
func (g gets) FetchStarted(client, token string) {
	g.control.Handle(context.Background(), delivery.FetchStarted{Token: token, Certificate: client})
}

// FetchFinished passes on the end of a GET.
func (g gets) FetchFinished(client, token string, end moduleserver.End) {
	g.control.Handle(context.Background(), delivery.FetchFinished{
		Token: token, Certificate: client, Complete: end != moduleserver.Broken, Taken: end == moduleserver.Taken,
	})
}

// Answered counts an answer.
func (g gets) Answered(status int, bytes int64) { g.recorder.ModuleServed(status, bytes) }

package serve

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/otlp"
	"github.com/wasm-xds/wasm-xds/internal/trace"
)

// traces sends the spans of edits to a collector.
type traces struct{ *otlp.Exporter } // nil: there is no collector

// openTraces checks the endpoint in cfg. Nobody is asked before run.
func openTraces(cfg *Config) (traces, error) {
	e, err := otlp.Open(cfg.OTLPEndpoint)
	return traces{e}, err
}

// start completes the exporter, and returns the function that takes spans; nil: there is no
// collector.
func (t traces) start(cfg *Config, recorder *metrics.Recorder) func(trace.Span) {
	if t.Exporter == nil {
		return nil
	}
	t.Start(hostname(), cfg.Version, recorder, cfg.Logger)
	return t.Take
}

// run sends spans until ended is closed.
func (t traces) run(ctx context.Context, ended <-chan struct{}) {
	if t.Exporter == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		<-ended
		cancel()
	}()
	t.Run(ctx)
}

// Package prometheus asks Prometheus servers the questions of specs. The time and the size of each
// answer are bounded.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Asker asks Prometheus servers. An Asker is safe for concurrent use, and keeps no connections.
type Asker struct {
	// Guard decides about the addresses of servers.
	Guard netguard.Guard
}

// Ask asks the question of a spec. The answer has the reason if there is none.
func (a Asker) Ask(ctx context.Context, limit spec.PrometheusLimit, v Variables) health.Answer {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	samples, err := a.ask(ctx, limit, v.in(limit.Query))
	if err != nil {
		return health.Answer{Err: inShort(err)}
	}
	return health.Answer{Samples: samples}
}

func (a Asker) ask(ctx context.Context, limit spec.PrometheusLimit, query string) ([]float64, error) {
	transport, err := newTransport(a.Guard, limit)
	if err != nil {
		return nil, err
	}
	defer transport.close()
	client, err := api.NewClient(api.Config{
		Address: limit.URL,
		Client:  &http.Client{Transport: transport, CheckRedirect: netguard.CheckRedirect},
	})
	if err != nil {
		return nil, errors.New("the URL is invalid")
	}
	value, _, _, err := v1.NewAPI(client).Query(ctx, query, time.Now(), v1.WithTimeout(askLimit))
	if err != nil {
		return nil, err
	}
	return samplesOf(value)
}

// samplesOf returns the numbers of an answer.
func samplesOf(value model.Value) ([]float64, error) {
	switch value := value.(type) {
	case *model.Scalar:
		return []float64{float64(value.Value)}, nil
	case model.Vector:
		if len(value) > maxSamples {
			return nil, fmt.Errorf("the answer has %d samples, and may have %d", len(value), maxSamples)
		}
		samples := make([]float64, len(value))
		for i, one := range value {
			if one.Histogram != nil {
				return nil, errors.New("the answer has histograms; write a query that gives numbers")
			}
			samples[i] = float64(one.Value)
		}
		return samples, nil
	default:
		return nil, fmt.Errorf("the answer is a %s; write a query that gives an instant vector or a scalar", value.Type())
	}
}

// inShort words an error without the URL and the query.
func inShort(err error) string {
	var answered *v1.Error
	var failed *url.Error
	var text string
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		text = fmt.Sprintf("the server has not answered within %s", askLimit)
	case errors.Is(err, errTooLarge):
		text = errTooLarge.Error()
	case errors.As(err, &answered):
		text = "the server refuses the query: " + answered.Msg
	case errors.As(err, &failed):
		text = "the server cannot be reached: " + reason.Of(failed.Err)
	default:
		text = err.Error()
	}
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}

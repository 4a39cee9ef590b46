package serve

import (
	"cmp"
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/door"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// shown is the data of the API, an [admin.State].
type shown struct {
	*control.API
	*door.Door
	*certificates
	identities *identities
	tokens     *tokens
	webhooks   *webhooks
	reports    *signal.Store
	fleet      *fleet
}

// Tokens says whether the newest tokens are used.
func (s shown) Tokens() api.Tokens { return s.tokens.state() }

// Replica describes this replica.
func (s shown) Replica() api.Replica { return s.fleet.Replica() }

// Webhooks returns the receivers of messages.
func (s shown) Webhooks() []api.Webhook { return s.webhooks.State() }

// TestWebhooks sends test messages.
func (s shown) TestWebhooks(ctx context.Context, url string) ([]api.WebhookTest, *api.Error) {
	return s.webhooks.Test(ctx, url, api.UserOf(ctx))
}

// Identity returns how Envoys are bound to their certificates.
func (s shown) Identity() api.Identity {
	out := s.identities.state()
	out.Refusals = s.ClaimRefusals()
	return out
}

var _ admin.State = shown{}

// Ready says why Envoys get no filter yet; nil: they can connect.
func (s shown) Ready() error { return cmp.Or(s.API.Ready(), s.certificates.Ready()) }

// Nodes returns the streams of Envoys, with the state of each Envoy's reports.
func (s shown) Nodes() []api.Node {
	all, now := s.API.Nodes(), time.Now()
	for i := range all {
		n := &all[i]
		state, at := s.reports.State(signal.Key{Node: n.ID, Host: inflow.HostOf(n.Address)}, now)
		n.Reports.State = reportsState(state)
		if state != signal.Never {
			at = at.UTC()
			n.Reports.At = &at
		}
		if state == signal.Lost && n.State == api.NodeConnected {
			n.Warnings = append(n.Warnings, &api.Error{
				Code: "reports_lost", Message: "the Envoy has sent no stats for " + now.Sub(at).Round(time.Second).String() + ", while it is connected",
				Hint: "look at its stats sink: wasm-xds doctor shows a missing or wrong one",
			})
		}
	}
	return all
}

func reportsState(s signal.State) api.ReportsState {
	switch s {
	case signal.Reporting:
		return api.ReportsReporting
	case signal.Lost:
		return api.ReportsLost
	default:
		return api.ReportsNever
	}
}

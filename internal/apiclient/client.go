// Package apiclient asks a running wasm-xds through its admin API. The client has one function for
// each question: a command never sees a path or an HTTP status.
//
// Errors are [api.Error]. The server sends some of them. The others have the codes of this package,
// and happen on the way to the server. The hints are for a user of the command line.
//
// target.go reads the server's address, http.go carries a question to the server and its answer
// back, events.go follows the server's events, and client.go has the questions.
package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// MaxSync is the longest time that a server takes for [Client.Sync]. syncGrace is the extra time
// for its answer.
const (
	MaxSync   = 10 * time.Minute
	syncGrace = 5 * time.Second
	// testLimit is longer than a server waits for the receivers of a test.
	testLimit = 20 * time.Second
)

// Client asks the server at one address. The zero value is not usable, see [New]. A Client is safe
// for concurrent use, and keeps no connection.
type Client struct{ server server }

// Config says which server a client asks, and how.
type Config struct {
	// Address is host:port or a Unix socket, in the form of [address.Parse], or https:// or http://
	// and a host with or without a port. For the host 0.0.0.0 or ::, which a server listens on, the
	// client connects to this machine.
	Address string
	// TLS is the TLS configuration of https. nil means the authorities of this machine, and no
	// certificate of the client.
	TLS *tls.Config
	// Token is sent with each request. "" means none.
	Token string
}

// New makes a client for a server. It does not connect. An address that [CheckAddress] refuses
// fails at the first question.
func New(c Config) Client {
	to, _ := parse(c.Address)
	return Client{server{name: c.Address, target: to, tls: c.TLS, token: c.Token}}
}

// Filters asks for all filters.
func (c Client) Filters(ctx context.Context) ([]api.Filter, error) {
	var filters []api.Filter
	err := c.server.get(ctx, "filters", &filters)
	for i := range filters {
		complete(&filters[i])
	}
	return filters, err
}

// Filter asks for a filter.
func (c Client) Filter(ctx context.Context, name string) (*api.Filter, error) {
	f := &api.Filter{}
	if err := c.server.get(ctx, filterPath(name), f); err != nil {
		return nil, err
	}
	complete(f)
	return f, nil
}

// complete fills the fields that a server of an earlier version leaves out.
func complete(f *api.Filter) {
	if f.Condition == "" {
		f.Summarize()
	}
}

// History asks for the revisions of a filter.
func (c Client) History(ctx context.Context, name string) (*api.History, error) {
	h := &api.History{}
	if err := c.server.get(ctx, filterPath(name)+"/history", h); err != nil {
		return nil, err
	}
	return h, nil
}

// Diff asks for the difference between two revisions of a filter. Each may be a prefix; "" means
// the usual one.
func (c Client) Diff(ctx context.Context, name, from, to string) (*api.Diff, error) {
	q := url.Values{}
	for key, value := range map[string]string{"from": from, "to": to} {
		if value != "" {
			q.Set(key, value)
		}
	}
	path := filterPath(name) + "/diff"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	d := &api.Diff{}
	if err := c.server.get(ctx, path, d); err != nil {
		return nil, err
	}
	return d, nil
}

// Nodes asks for the connected Envoys, and the Envoys that have gone lately. With a filter, only
// Envoys that ask or asked for the filter count; "" means all.
func (c Client) Nodes(ctx context.Context, filter string) ([]api.Node, error) {
	path := "nodes?state=" + url.QueryEscape(string(api.NodeConnected)+","+string(api.NodeGone))
	if filter != "" {
		path += "&filter=" + url.QueryEscape(filter)
	}
	var nodes []api.Node
	return nodes, c.server.get(ctx, path, &nodes)
}

// Source asks for the state of the sources of specs.
func (c Client) Source(ctx context.Context) (api.Source, error) {
	var s api.Source
	return s, c.server.get(ctx, "source", &s)
}

// Visitors asks for the clients that spoke another protocol than a port does. An earlier version of
// the server reports none.
func (c Client) Visitors(ctx context.Context) ([]api.Visitor, error) {
	var visitors []api.Visitor
	return visitors, c.getIfKnown(ctx, "visitors", &visitors)
}

// Certificates asks for the certificates of the ports. An earlier version of the server reports
// none.
func (c Client) Certificates(ctx context.Context) ([]api.Certificate, error) {
	var certificates []api.Certificate
	return certificates, c.getIfKnown(ctx, "certificates", &certificates)
}

// Webhooks asks for the receivers of messages. An earlier version of the server reports none.
func (c Client) Webhooks(ctx context.Context) ([]api.Webhook, error) {
	var webhooks []api.Webhook
	return webhooks, c.getIfKnown(ctx, "webhooks", &webhooks)
}

// TestWebhooks has the server send a test message to the webhook with this URL, or with "" to all
// of its webhooks, and returns the outcomes.
func (c Client) TestWebhooks(ctx context.Context, url string) ([]api.WebhookTest, error) {
	body, err := json.Marshal(api.WebhookTestBody{URL: url})
	if err != nil {
		return nil, err
	}
	var outcomes []api.WebhookTest
	return outcomes, c.server.exchange(ctx, testLimit, http.MethodPost, "webhooks/test", bytes.NewReader(body), &outcomes)
}

// Replicas asks for the control planes of the fleet. An earlier version of the server reports none.
func (c Client) Replicas(ctx context.Context) ([]api.Replica, error) {
	var replicas []api.Replica
	return replicas, c.getIfKnown(ctx, "replicas", &replicas)
}

// Identity asks how Envoys are bound to their certificates. An earlier version of the server
// reports the zero value.
func (c Client) Identity(ctx context.Context) (api.Identity, error) {
	var identity api.Identity
	return identity, c.getIfKnown(ctx, "identity", &identity)
}

// Tokens asks whether the newest file of tokens is used. An earlier version of the server reports
// the zero value.
func (c Client) Tokens(ctx context.Context) (api.Tokens, error) {
	var tokens api.Tokens
	return tokens, c.getIfKnown(ctx, "tokens", &tokens)
}

// Limits asks for the limits for which streams were ended. An earlier version of the server
// reports none.
func (c Client) Limits(ctx context.Context) ([]api.Limit, error) {
	var limits []api.Limit
	return limits, c.getIfKnown(ctx, "limits", &limits)
}

// Sync has the server read its specs, within wait and at most [MaxSync], and returns the filters
// that the specs describe.
func (c Client) Sync(ctx context.Context, wait time.Duration) (api.Sync, error) {
	wait = min(wait, MaxSync)
	var answer api.Sync
	return answer, c.server.exchange(ctx, wait+syncGrace, http.MethodPost, "sync?timeout="+wait.String(), nil, &answer)
}

// Rollback serves an earlier revision of a filter, and returns the filter right after that. The
// revision may be a prefix; "" means the revision before the current one. With pin the rollback
// holds until Unpin.
func (c Client) Rollback(ctx context.Context, name, revision string, pin bool) (*api.Filter, error) {
	return c.decide(ctx, name, "rollback", api.RollbackBody{Revision: revision, Pin: pin})
}

// Unpin ends a rollback, and returns the filter right after that.
func (c Client) Unpin(ctx context.Context, name string) (*api.Filter, error) {
	return c.decide(ctx, name, "unpin", struct{}{})
}

// Pause holds a rollout, Resume continues it, and Abort stops it. Each returns the filter right
// after that. The reason is for the record, and may be "".
func (c Client) Pause(ctx context.Context, name, reason string) (*api.Filter, error) {
	return c.decide(ctx, name, "rollout/pause", api.HoldBody{Reason: reason})
}

// Resume continues a paused rollout.
func (c Client) Resume(ctx context.Context, name string) (*api.Filter, error) {
	return c.decide(ctx, name, "rollout/resume", struct{}{})
}

// Abort stops a rollout: all Envoys get the stable revision.
func (c Client) Abort(ctx context.Context, name, reason string) (*api.Filter, error) {
	return c.decide(ctx, name, "rollout/abort", api.HoldBody{Reason: reason})
}

// Freeze asks for the freeze of the server. An earlier version of the server has none.
func (c Client) Freeze(ctx context.Context) (api.Freeze, error) {
	var f api.Freeze
	return f, c.getIfKnown(ctx, "freeze", &f)
}

// SetFreeze freezes the server for a reason, and Thaw ends the freeze.
func (c Client) SetFreeze(ctx context.Context, reason string) (api.Freeze, error) {
	var f api.Freeze
	return f, c.server.post(ctx, "freeze", api.FreezeBody{Reason: reason}, &f)
}

// Thaw ends the freeze of the server.
func (c Client) Thaw(ctx context.Context) (api.Freeze, error) {
	var f api.Freeze
	return f, c.server.exchange(ctx, answerTimeout, http.MethodDelete, "freeze", nil, &f)
}

// Retry has a refused revision tried again, and returns the filter right after that. The revision
// may be a prefix; "" means the newest refused one.
func (c Client) Retry(ctx context.Context, name, revision string) (*api.Filter, error) {
	return c.decide(ctx, name, "retry", api.RevisionBody{Revision: revision})
}

// Promote has a rollout go on without its canaries, and returns the filter right after that.
func (c Client) Promote(ctx context.Context, name string) (*api.Filter, error) {
	return c.decide(ctx, name, "promote", struct{}{})
}

// decide sends a user's decision on a filter.
func (c Client) decide(ctx context.Context, name, decision string, body any) (*api.Filter, error) {
	f := &api.Filter{}
	if err := c.server.post(ctx, filterPath(name)+"/"+decision, body, f); err != nil {
		return nil, err
	}
	return f, nil
}

// Forget has the server drop a removed filter, and returns once that is on its disk.
func (c Client) Forget(ctx context.Context, name string) (*api.Forgotten, error) {
	done := &api.Forgotten{}
	if err := c.server.post(ctx, filterPath(name)+"/forget", struct{}{}, done); err != nil {
		return nil, err
	}
	return done, nil
}

// OnChange calls look once connected and after each burst of events. OnChange returns nil once look
// is done, and otherwise the error of look, the error of ctx, or an error when the connection ends.
// A call of look is never interrupted. A server with other replicas has no events of theirs, so
// look is also called every two seconds.
func (c Client) OnChange(ctx context.Context, look func() (done bool, err error)) error {
	const ofOthers = 2 * time.Second
	every := time.Duration(0)
	if all, err := c.Replicas(ctx); err == nil && len(all) > 1 {
		every = ofOthers
	}
	return onChange(ctx, c.server, every, look)
}

// filterPath is a filter's path in the API.
func filterPath(name string) string { return "filters/" + url.PathEscape(name) }

// getIfKnown leaves into unchanged if the server's version is older and lacks the path.
func (c Client) getIfKnown(ctx context.Context, path string, into any) error {
	err := c.server.get(ctx, path, into)
	if e := (*api.Error)(nil); errors.As(err, &e) && e.Code == api.CodeNotFound {
		return nil
	}
	return err
}

package webhook

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Test sends a test message to the receiver with this URL, or with "" to all receivers, and returns
// the outcomes. Messages that wait, and the state of the receivers, stay as they are. A receiver
// gets one try. by is the user; "": not known.
func (w *Webhooks) Test(ctx context.Context, url, by string) ([]api.WebhookTest, *api.Error) {
	var chosen []*receiver
	for _, r := range w.receivers {
		if url == "" || r.url == url {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, noWebhook(len(w.receivers))
	}
	outcomes := make([]api.WebhookTest, len(chosen))
	var sending sync.WaitGroup
	for i, r := range chosen {
		sending.Go(func() { outcomes[i] = r.test(ctx, by) })
	}
	sending.Wait()
	return outcomes, nil
}

// TestOnce sends a test message to the URLs of a configuration, without a server. The messages have
// the name and the version in from.
func TestOnce(ctx context.Context, cfg Config, from api.WebhookServer, by string) ([]api.WebhookTest, error) {
	w, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	for _, r := range w.receivers {
		r.server = from
		defer r.client.CloseIdleConnections()
	}
	outcomes, e := w.Test(ctx, "", by)
	if e != nil {
		return nil, e
	}
	return outcomes, nil
}

// noWebhook is the error of a test without a receiver. It does not quote URLs, which may have
// secrets.
func noWebhook(known int) *api.Error {
	if known == 0 {
		return &api.Error{
			Code: api.CodeNoWebhook, Message: "the server has no webhook",
			Hint: "start the server with --webhook URL, or try a URL from this machine with --direct",
		}
	}
	return &api.Error{
		Code: api.CodeNoWebhook, Message: "the server has no webhook with this URL, and sends messages to its own webhooks only",
		Hint: "leave out the URL to test all webhooks of the server, or try the URL from this machine with --direct",
	}
}

// test sends a test message once.
func (r *receiver) test(ctx context.Context, by string) api.WebhookTest {
	m := &message{ID: "msg_" + rand.Text(), Event: api.Event{
		Type: api.EventTest, By: by, Time: time.Now().UTC(),
		Message: "a test of this webhook: nothing has happened, and there is nothing to do",
	}}
	began := time.Now()
	status, f := r.post(ctx, m)
	out := api.WebhookTest{
		Receiver: r.name, ID: m.ID, Taken: f == nil, Signed: r.secrets != nil, Status: status, Milliseconds: time.Since(began).Milliseconds(),
	}
	if f != nil {
		out.Error = &api.Error{Code: api.CodeWebhookFails, Message: f.text, Hint: f.hint()}
	}
	return out
}

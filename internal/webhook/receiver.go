package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// requestLimit bounds one try, and maxAnswer the bytes of an answer that are read.
const (
	requestLimit = 10 * time.Second
	maxAnswer    = 64 << 10
)

// Metrics counts messages. Any goroutine may call the methods. The name of a receiver is its host,
// with a number if the host has several receivers.
type Metrics interface {
	WebhookTried(receiver string, taken bool)
	// WebhookDropped counts a message that no receiver will get.
	WebhookDropped(receiver string)
}

// receiver sends the messages of one URL, in turn.
type receiver struct {
	name    string // the host, for logs and metrics: the URL may have a secret
	url     string
	client  *http.Client
	secrets *Secrets // nil: messages have no signature
	server  api.WebhookServer
	metrics Metrics
	log     *zap.Logger

	wake chan struct{} // has a value after a new message

	mu      sync.Mutex
	queue   *queue
	version uint64 // counts the changes of the queue
	failing bool   // since the last success, the log has a line about the receiver
	full    bool   // the same about dropped messages
	status  api.Webhook
}

// notify takes a message without waiting.
func (r *receiver) notify(m *message) {
	r.mu.Lock()
	dropped := r.queue.add(m)
	r.version++
	first := dropped && !r.full
	r.full = r.full || dropped
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
	if dropped {
		r.metrics.WebhookDropped(r.name)
	}
	if first {
		r.log.Warn("messages to a webhook are dropped, the oldest first: too many wait",
			zap.String("hint", "look whether the receiver answers"))
	}
}

// run sends messages until ctx ends.
func (r *receiver) run(ctx context.Context) {
	for ctx.Err() == nil {
		m, wait := r.next(time.Now())
		if m != nil {
			r.try(ctx, m)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next is the message to send now; nil: none is due within wait, unless another one comes.
func (r *receiver) next(now time.Time) (m *message, wait time.Duration) {
	r.mu.Lock()
	old := r.queue.expire(now)
	if len(old) > 0 {
		r.version++
	}
	m, wake := r.queue.next(now)
	r.mu.Unlock()
	for _, one := range old {
		r.metrics.WebhookDropped(r.name)
		r.log.Warn("a message to a webhook is given up: the receiver has not taken it in time",
			zap.String("id", one.ID), zap.String("type", string(one.Event.Type)))
	}
	wait = time.Hour
	if !wake.IsZero() {
		wait = wake.Sub(now)
	}
	return m, wait
}

// try sends a message once.
func (r *receiver) try(ctx context.Context, m *message) {
	_, f := r.post(ctx, m)
	if ctx.Err() != nil && f != nil {
		return // the end of the process is no failure
	}
	r.metrics.WebhookTried(r.name, f == nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.version++
	now := time.Now()
	if f == nil {
		r.queue.taken(m)
		if r.failing {
			r.log.Info("a webhook takes messages again", zap.Int("waiting", len(r.queue.waiting)))
		}
		r.failing, r.full = false, false
		r.status.Error, r.status.DeliveredAt = nil, now
		return
	}
	again := r.queue.failed(m, *f, now)
	r.status.Error = &api.Error{Code: api.CodeWebhookFails, Message: f.text, Hint: f.hint()}
	if r.failing {
		return
	}
	r.failing = true
	r.log.Warn("a webhook does not take a message: it is sent again", zap.String("problem", f.text), zap.String("hint", f.hint()),
		zap.String("id", m.ID), zap.String("type", string(m.Event.Type)), zap.Time("again", again))
}

// hint is the next step of a user.
func (f *failure) hint() string {
	if f.whole {
		return "look whether the receiver runs and this machine reaches it"
	}
	return "look at the log of the receiver: does it have the secret and the path of this webhook?"
}

// post sends a message, and returns the status of the answer. The failure is nil if the receiver
// has taken the message.
func (r *receiver) post(ctx context.Context, m *message) (status string, f *failure) {
	body, err := json.Marshal(api.WebhookMessage{
		ID: m.ID, Type: m.Event.Type, Timestamp: m.Event.Time, Server: r.server, Data: m.Event,
	})
	if err != nil {
		return "", &failure{text: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return "", &failure{text: withoutURL(err)}
	}
	now := time.Now()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "wasm-xds/"+r.server.Version)
	request.Header.Set(headerID, m.ID)
	request.Header.Set(headerTimestamp, strconv.FormatInt(now.Unix(), 10))
	if signatures := r.secrets.signatures(m.ID, now, body); signatures != "" {
		request.Header.Set(headerSignature, signatures)
	}
	response, err := r.client.Do(request)
	if err != nil {
		return "", &failure{whole: true, text: withoutURL(err)}
	}
	defer response.Body.Close()
	// The connection can serve the next request if the body was read. A failed read is no failure.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return response.Status, answered(response, now)
}

// answered is the meaning of an answer; nil: the receiver has taken the message.
func answered(response *http.Response, now time.Time) *failure {
	f := &failure{text: "the receiver answers " + response.Status, after: pause.RetryAfter(response.Header.Get("Retry-After"), now)}
	switch code := response.StatusCode; {
	case code/100 == 2:
		return nil
	case code/100 == 3:
		f.text += fmt.Sprintf(", and redirects are not followed: give the URL itself with --webhook (%s)", hostOf(response.Header.Get("Location")))
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable, code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		f.whole = true
	}
	return f
}

// hostOf is the host of a redirect. Its path may have a secret.
func hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "on the same host"
	}
	return u.Scheme + "://" + u.Host
}

// withoutURL is the text of an error without the URL, which may have a secret.
func withoutURL(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		if of.Timeout() {
			return fmt.Sprintf("the receiver does not answer within %v", requestLimit)
		}
		err = of.Err
	}
	return reason.Of(err)
}

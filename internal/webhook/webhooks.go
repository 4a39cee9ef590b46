package webhook

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// mostWaiting bounds the messages that wait for a receiver. A message has about a kilobyte.
	mostWaiting = 1000
	// mostAge is how long a message is tried. A receiver that is away over night gets all of them.
	mostAge = 24 * time.Hour
	// saveEvery is the time between two saves of the messages that wait. A message that is taken
	// meanwhile is never saved.
	saveEvery = time.Second
)

// pauses are the pauses between tries: half a second, and at most five minutes.
var pauses = pause.Policy{First: 500 * time.Millisecond, Most: 5 * time.Minute, Jitter: 0.5}

// Config configures webhooks.
type Config struct {
	// URLs are the receivers, with the scheme http or https.
	URLs []string
	// SecretFile has the secrets, in the form of [OpenSecrets]; "": messages have no signature.
	SecretFile string
	// CAFile has further CAs of receivers in PEM form; "": the system's CAs alone.
	CAFile string
}

// Webhooks sends events to receivers. Any goroutine may call the methods.
type Webhooks struct {
	receivers []*receiver
	secrets   *Secrets // nil: none
	files     Files
	log       *zap.Logger
	saved     []uint64 // the versions of the queues in the file
	empty     bool     // the file has no message
}

// Open reads the files of a configuration. The result sends nothing before [Webhooks.Run].
func Open(cfg Config) (*Webhooks, error) {
	w := &Webhooks{}
	roots, err := certs.Roots(cfg.CAFile)
	if err != nil {
		return nil, &spec.Error{Code: "bad_certificate", Message: err.Error(), Hint: "give a PEM file with --webhook-ca-file"}
	}
	if cfg.SecretFile != "" {
		if w.secrets, err = OpenSecrets(cfg.SecretFile); err != nil {
			return nil, err
		}
	}
	guard := netguard.Guard{} // a receiver beside the server is usual
	client := &http.Client{
		Transport: &http.Transport{
			DialContext: guard.Dialer().DialContext, Proxy: guard.Proxy, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: requestLimit,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxAnswer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	names := map[string]int{}
	for _, text := range cfg.URLs {
		u, err := parse(text)
		if err != nil {
			return nil, err
		}
		name := u.Host
		if names[u.Host]++; names[u.Host] > 1 {
			name += fmt.Sprintf("#%d", names[u.Host])
		}
		w.receivers = append(w.receivers, &receiver{
			name: name, url: text, client: client, secrets: w.secrets, wake: make(chan struct{}, 1),
			queue: newQueue(limits{most: mostWaiting, age: mostAge, pauses: pauses}), status: api.Webhook{Receiver: name},
		})
	}
	return w, nil
}

// parse checks a URL. The error does not quote the URL, which may have a secret.
func parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &spec.Error{
			Code: "bad_webhook", Message: "the value of --webhook is no URL with http or https",
			Hint: "give a URL as https://hooks.example.com/wasm-xds",
		}
	}
	return u, nil
}

// Start completes the webhooks, and takes the messages that an earlier process has left. Start must
// come before all methods below.
func (w *Webhooks) Start(server api.WebhookServer, files Files, metrics Metrics, log *zap.Logger) {
	w.files, w.log = files, log
	w.saved = make([]uint64, len(w.receivers))
	left, err := load(files)
	w.empty = err == nil && len(left.Receivers) == 0
	if err != nil {
		log.Warn("the messages to webhooks that waited before the start cannot be read", zap.Error(err))
	}
	for _, r := range w.receivers {
		r.server, r.metrics, r.log = server, metrics, log.With(zap.String("webhook", r.name))
		for _, m := range left.Receivers[keyOf(r.url)] {
			r.queue.add(m)
		}
	}
}

// Secrets returns the secrets, for the look-out for changes; nil: there are none.
func (w *Webhooks) Secrets() *Secrets { return w.secrets }

// Notify takes a notable event for all receivers, without waiting. Other events are ignored.
func (w *Webhooks) Notify(e api.Event) {
	if len(w.receivers) == 0 || !e.Type.IsNotable() {
		return
	}
	m := &message{ID: "msg_" + rand.Text(), Event: e}
	for _, r := range w.receivers {
		r.notify(m)
	}
}

// Run sends messages until ctx ends, and keeps the rest for the next process.
func (w *Webhooks) Run(ctx context.Context) {
	if len(w.receivers) == 0 {
		return
	}
	var sending sync.WaitGroup
	for _, r := range w.receivers {
		sending.Go(func() { r.run(ctx) })
	}
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			w.save()
		}
	}
	sending.Wait()
	w.save()
}

// save writes the messages that wait, unless the file has them.
func (w *Webhooks) save() {
	versions := make([]uint64, len(w.receivers))
	all := pending{Receivers: map[string][]*message{}}
	for i, r := range w.receivers {
		r.mu.Lock()
		versions[i] = r.version
		if len(r.queue.waiting) > 0 {
			all.Receivers[keyOf(r.url)] = slices.Clone(r.queue.waiting)
		}
		r.mu.Unlock()
	}
	empty := len(all.Receivers) == 0
	if slices.Equal(versions, w.saved) || empty && w.empty {
		return
	}
	if err := all.save(w.files); err != nil {
		w.log.Error("the messages to webhooks that wait cannot be saved: a restart would forget them", zap.Error(err))
		return
	}
	w.saved, w.empty = versions, empty
}

// State returns how each receiver is.
func (w *Webhooks) State() []api.Webhook {
	all := make([]api.Webhook, len(w.receivers))
	for i, r := range w.receivers {
		r.mu.Lock()
		all[i] = r.status
		all[i].Waiting = len(r.queue.waiting)
		if len(r.queue.waiting) > 0 {
			all[i].OldestAt = r.queue.waiting[0].Event.Time
		}
		r.mu.Unlock()
	}
	return all
}

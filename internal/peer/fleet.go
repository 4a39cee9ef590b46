package peer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

// mostAnswer bounds an answer of a peer, in bytes. A filter with 50,000 Envoys has 20 MB.
const mostAnswer = 64 << 20

// Config describes this replica's access to the others.
type Config struct {
	Name   string // of this replica
	Ledger Ledger
	// Transport connects to peers. nil means plain HTTP.
	Transport http.RoundTripper
	// Gate limits the downloads of modules, with those of other servers. nil means a gate of its
	// own.
	Gate   *transfer.Gate
	Count  func(Outcome) // counts the modules asked for, from any goroutine; nil: not counted
	Logger *zap.Logger   // nil: no logs
}

// Outcome is how a question for a module has ended.
type Outcome string

// The outcomes.
const (
	Taken   Outcome = "taken"
	Missing Outcome = "missing" // the peer does not have the module
	Failed  Outcome = "failed"
)

// Fleet asks the other replicas. It is safe for concurrent use.
type Fleet struct {
	cfg     Config
	asks    *http.Client // for answers
	modules *http.Client // for modules
	gets    gets
}

// New returns the access to the others. It asks nobody yet.
func New(cfg Config) *Fleet {
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.Count == nil {
		cfg.Count = func(Outcome) {}
	}
	gate := cmp.Or(cfg.Gate, &transfer.Gate{})
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Fleet{
		cfg:     cfg,
		asks:    &http.Client{Transport: cfg.Transport, CheckRedirect: stay},
		modules: &http.Client{Transport: gate.Wrap(cfg.Transport), CheckRedirect: stay},
		gets:    newGets(),
	}
}

// alone says whether this replica knows no other.
func (f *Fleet) alone() bool { return len(f.cfg.Ledger.Peers()) == 0 }

// askable are the peers that answer questions.
func (f *Fleet) askable() []Peer {
	return slices.DeleteFunc(slices.Clone(f.cfg.Ledger.Peers()), func(p Peer) bool { return p.URL == "" || p.Key == "" })
}

// request makes a request to a peer, with its key.
func request(ctx context.Context, p Peer, method, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("its URL %q cannot be used", p.URL)
	}
	r.Header.Set("Authorization", scheme+p.Key)
	r.Header.Set("User-Agent", "wasm-xds")
	return r, nil
}

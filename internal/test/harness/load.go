package harness

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Verdict is a load's judgement of an answer.
type Verdict int

// The verdicts.
const (
	OK Verdict = iota
	Wrong
	Bypass // served without the filter
)

// Served requires the upstream's answer with the filter's stamp.
func Served(a Answer) Verdict {
	switch {
	case a.Status == http.StatusOK && a.Stamp() == "":
		return Bypass
	case a.Status == http.StatusOK && a.Body == Welcome:
		return OK
	default:
		return Wrong
	}
}

// Denied requires a status other than 200. An answer of the upstream has bypassed the filter.
func Denied(status int) func(Answer) Verdict {
	return func(a Answer) Verdict {
		switch {
		case a.Status == status:
			return OK
		case a.Status == http.StatusOK:
			return Bypass
		default:
			return Wrong
		}
	}
}

// Request is one kind of request in a load.
type Request struct {
	Header map[string]string
	Path   string // "": /
	// Judge returns the verdict on an answer. nil means [Served].
	Judge func(Answer) Verdict
}

// LoadOptions configure a load.
type LoadOptions struct {
	Address  string    // of Envoy's listener, host:port
	Requests []Request // sent in turn; empty: a single GET, judged by Served
	Workers  int       // 0: 2
	Rate     int       // requests per second for all workers together; 0: 400
}

// Load requests / repeatedly, half of the requests on kept connections and half on new connections.
// It retries nothing and counts every failure. Load uses an HTTP client of its own, because Go's
// client repeats requests on lost connections.
type Load struct {
	t       TB
	options LoadOptions
	stop    chan struct{}
	workers sync.WaitGroup
	began   time.Time

	mu      sync.Mutex
	changed sync.Cond
	done    bool
	records []record
	result  LoadResult
}

// record is an answered request.
type record struct {
	began   time.Time
	stamp   string
	verdict Verdict
}

// LoadResult contains the counts of a load.
type LoadResult struct {
	Requests int // all requests
	Wrong    int // wrong status or body, or no answer
	Bypassed int // answered by the upstream without the filter
	Elapsed  time.Duration
	Examples []string // the first few wrong answers
}

// Rate returns the requests per second.
func (r LoadResult) Rate() float64 { return float64(r.Requests) / r.Elapsed.Seconds() }

// String shows the counts and the examples.
func (r LoadResult) String() string {
	text := fmt.Sprintf("%d requests (%.0f/s), %d wrong, %d bypassed the filter", r.Requests, r.Rate(), r.Wrong, r.Bypassed)
	for _, example := range r.Examples {
		text += "\n  " + example
	}
	return text
}

// StartLoad starts a load, which ends with [Load.Stop] or with the test.
func StartLoad(t TB, options LoadOptions) *Load {
	if len(options.Requests) == 0 {
		options.Requests = []Request{{}}
	}
	if options.Workers == 0 {
		options.Workers = 2
	}
	if options.Rate == 0 {
		options.Rate = 400
	}
	l := &Load{t: t, options: options, stop: make(chan struct{}), began: time.Now()}
	l.changed.L = &l.mu
	for i := range options.Workers {
		l.workers.Go(func() { l.work(i) })
	}
	t.Cleanup(func() { l.Stop() })
	return l
}

// Stop ends the load, waits for the running requests, and returns the counts. Further calls return
// the same counts.
func (l *Load) Stop() LoadResult {
	l.mu.Lock()
	first := !l.done
	l.done = true
	l.mu.Unlock()
	if first {
		close(l.stop)
	}
	l.workers.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
	if first {
		l.result.Elapsed = time.Since(l.began)
	}
	return l.snapshot()
}

// MustBeClean stops the load and fails the test unless every answer was right.
func (l *Load) MustBeClean() LoadResult {
	l.t.Helper()
	r := l.Stop()
	if r.Wrong > 0 || r.Bypassed > 0 || r.Requests == 0 {
		l.t.Errorf("load: %s", r)
	}
	return r
}

func (l *Load) snapshot() LoadResult {
	r := l.result
	r.Requests = len(l.records)
	r.Examples = slices.Clone(r.Examples)
	if r.Elapsed == 0 {
		r.Elapsed = time.Since(l.began)
	}
	return r
}

// Stale counts the requests that began after since and had another stamp than these, or none. Wrong
// answers are not counted again.
func (l *Load) Stale(since time.Time, fresh ...string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.records {
		if r.verdict == OK && r.began.After(since) && !slices.Contains(fresh, r.stamp) {
			n++
		}
	}
	return n
}

// Stamps counts the answers by stamp.
func (l *Load) Stamps() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[string]int{}
	for _, r := range l.records {
		counts[r.stamp]++
	}
	return counts
}

// WaitRequests waits until n further requests have begun and been answered.
func (l *Load) WaitRequests(n int) {
	l.t.Helper()
	since := time.Now()
	l.wait(fmt.Sprintf("%d further requests", n), n, func(r record) bool { return r.began.After(since) })
}

// WaitStamp waits for an answer with a stamp. The request must have begun after the call.
func (l *Load) WaitStamp(stamp string) {
	l.t.Helper()
	since := time.Now()
	l.wait("stamp "+stamp, 1, func(r record) bool { return r.began.After(since) && r.stamp == stamp })
}

// wait waits for n new records that meet a condition.
func (l *Load) wait(what string, n int, wanted func(record) bool) {
	l.t.Helper()
	expired := false
	timer := time.AfterFunc(Deadline, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		expired = true
		l.changed.Broadcast()
	})
	defer timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for next := len(l.records); ; {
		for ; next < len(l.records); next++ {
			if wanted(l.records[next]) {
				n--
			}
		}
		if n <= 0 {
			return
		}
		if expired || l.done {
			result := l.snapshot()
			l.mu.Unlock()
			defer l.mu.Lock()
			l.t.Fatalf("load: waited for %s in vain: %s", what, result)
			return
		}
		l.changed.Wait()
	}
}

func (l *Load) add(r record, example string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, r)
	switch r.verdict {
	case Wrong:
		l.result.Wrong++
	case Bypass:
		l.result.Bypassed++
	}
	if r.verdict != OK && len(l.result.Examples) < 10 {
		l.result.Examples = append(l.result.Examples, example)
	}
	l.changed.Broadcast()
}

// work sends requests at an even pace. After a slow answer it does not catch up.
func (l *Load) work(worker int) {
	interval := time.Second * time.Duration(l.options.Workers) / time.Duration(l.options.Rate)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	kept := &loadConn{address: l.options.Address}
	defer kept.close()
	for n := worker; ; n++ {
		select {
		case <-l.stop:
			return
		case <-tick.C:
		}
		request := l.options.Requests[n/2%len(l.options.Requests)]
		if n%2 == 0 {
			l.one(kept, request, "kept connection")
			continue
		}
		fresh := &loadConn{address: l.options.Address, last: true}
		l.one(fresh, request, "new connection")
		fresh.close()
	}
}

func (l *Load) one(conn *loadConn, request Request, what string) {
	judge := request.Judge
	if judge == nil {
		judge = Served
	}
	r := record{began: time.Now()}
	answer, err := conn.ask(request.Path, request.Header)
	example := ""
	if err != nil {
		r.verdict = Wrong
		example = fmt.Sprintf("+%v, %s: %v", r.began.Sub(l.began).Round(time.Millisecond), what, err)
	} else {
		r.stamp, r.verdict = answer.Stamp(), judge(answer)
		if r.verdict != OK {
			example = fmt.Sprintf("+%v, %s, asked with %v: status %d, stamp %q, body %.80q",
				r.began.Sub(l.began).Round(time.Millisecond), what, request.Header, answer.Status, answer.Stamp(), answer.Body)
		}
	}
	l.add(r, example)
}

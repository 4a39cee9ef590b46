package e2e_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// judge rates an answer.
type judge func(harness.Answer) harness.Verdict

// guarded expects the answer of an auth filter, with or without a token in the request.
func guarded(a harness.Answer) harness.Verdict {
	switch {
	case a.Stamp() == "" && a.Status == http.StatusOK:
		return harness.Bypass
	case a.Stamp() == "":
		return harness.Wrong
	case a.Status == http.StatusOK && a.Body == harness.Welcome,
		a.Status == testfilter.ForbiddenStatus && a.Body == testfilter.ForbiddenBody:
		return harness.OK
	default:
		return harness.Wrong
	}
}

// passed expects the upstream's answer without any filter.
func passed(a harness.Answer) harness.Verdict {
	if a.Status == http.StatusOK && a.Body == harness.Welcome && a.Stamp() == "" {
		return harness.OK
	}
	return harness.Wrong
}

// denied expects the answer of the built-in deny, which names the filter and the command that
// explains the denial.
func denied(filter string) judge {
	return func(a harness.Answer) harness.Verdict {
		switch {
		case a.Status == http.StatusOK:
			return harness.Bypass
		case a.Status == http.StatusServiceUnavailable && strings.Contains(a.Body, `filter "`+filter+`"`) &&
			strings.Contains(a.Body, "wasm-xds status "+filter):
			return harness.OK
		default:
			return harness.Wrong
		}
	}
}

// either accepts the answers of both judges, for the time of a change.
func either(one, other judge) judge {
	return func(a harness.Answer) harness.Verdict {
		if one(a) == harness.OK {
			return harness.OK
		}
		return other(a)
	}
}

// loaded is an Envoy under load. The test can change the judge during the load.
type loaded struct {
	*proxy
	*traffic
	judgement atomic.Pointer[judge]
}

// load starts a load with and without the token. The first judge is guarded.
func (s *scenario) load(e *proxy) *loaded {
	s.t.Helper()
	l := &loaded{proxy: e}
	l.judge(guarded)
	current := func(a harness.Answer) harness.Verdict { return (*l.judgement.Load())(a) }
	waitAnswer(s.t, e.web[0], nil, func(harness.Answer) bool { return true })
	l.traffic = s.traffic(e.web[0], harness.Request{Header: withToken(), Judge: current}, harness.Request{Judge: current})
	return l
}

// judge sets the judge of further answers.
func (l *loaded) judge(j judge) { l.judgement.Store(&j) }

// deltaAndSotW starts a delta and a SotW Envoy with the auth filter, which is already in the
// directory, and starts the load once the filter is live.
func (s *scenario) deltaAndSotW(module []byte, stamp string) []*loaded {
	s.t.Helper()
	proxies := []*proxy{
		s.envoy(proxyOptions{mode: harness.ADSDelta, node: "delta"}),
		s.envoy(proxyOptions{mode: harness.ECDSSotW, node: "sotw"}),
	}
	s.cp.WaitLive(auth, module, len(proxies))
	var all []*loaded
	for _, p := range proxies {
		l := s.load(p)
		l.live(stamp)
		all = append(all, l)
	}
	return all
}

// becomes runs change. The loads accept the answers of before and after during the change, and
// only those of after from then on.
func (s *scenario) becomes(all []*loaded, before, after judge, stamp string, change func()) {
	s.t.Helper()
	for _, l := range all {
		l.judge(either(before, after))
	}
	change()
	for _, l := range all {
		l.live(stamp)
		waitAnswer(s.t, l.web[0], nil, func(a harness.Answer) bool { return after(a) == harness.OK })
		// Requests in progress, or on a late worker, may still get the old answer.
		l.traffic.load.WaitRequests(300)
		l.judge(after)
		l.traffic.load.WaitRequests(20)
	}
}

func withToken() map[string]string { return map[string]string{"token": "ok"} }

// file returns a path in the directory of specs.
func (s *scenario) file(name string) string { return filepath.Join(s.dir, name) }

// waitAnswer asks until wanted accepts an answer. The load checks the conditions for every
// answer.
func waitAnswer(t *testing.T, address string, header map[string]string, wanted func(harness.Answer) bool) harness.Answer {
	t.Helper()
	var last harness.Answer
	var lastErr error
	ok := harness.Poll(t.Context(), func() bool {
		last, lastErr = harness.TryGet(address, header)
		return lastErr == nil && wanted(last)
	})
	if !ok {
		t.Fatalf("no answer is as wanted; the last is %+v, %v", last, lastErr)
	}
	return last
}

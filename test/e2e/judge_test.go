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

// judge says what an answer is.
type judge func(harness.Answer) harness.Verdict

// guarded wants the answer of an auth filter, whether or not the request had its token.
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

// passed wants the upstream's answer without any filter.
func passed(a harness.Answer) harness.Verdict {
	if a.Status == http.StatusOK && a.Body == harness.Welcome && a.Stamp() == "" {
		return harness.OK
	}
	return harness.Wrong
}

// denied wants the built-in deny: it names the filter, and the command that
// explains it.
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

// either wants what one of two judges wants: while one becomes the other.
func either(one, other judge) judge {
	return func(a harness.Answer) harness.Verdict {
		if one(a) == harness.OK {
			return harness.OK
		}
		return other(a)
	}
}

// loaded is an Envoy under load whose answers are judged in changing ways.
type loaded struct {
	*proxy
	*traffic
	judgement atomic.Pointer[judge]
}

// load starts a load with and without the token, judged as an auth filter's
// answers at first.
func (s *scenario) load(e *proxy) *loaded {
	s.t.Helper()
	l := &loaded{proxy: e}
	l.judge(guarded)
	current := func(a harness.Answer) harness.Verdict { return (*l.judgement.Load())(a) }
	waitAnswer(s.t, e.web[0], nil, func(harness.Answer) bool { return true })
	l.traffic = s.traffic(e.web[0], harness.Request{Header: withToken(), Judge: current}, harness.Request{Judge: current})
	return l
}

// judge has the load judge in another way from now on.
func (l *loaded) judge(j judge) { l.judgement.Store(&j) }

// deltaAndSotW starts two Envoys with an auth filter that is in the directory
// already, one that asks in delta and one in SotW, and loads them once it is live.
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

// becomes has every load expect something else while change makes it come true,
// and nothing but that afterwards.
func (s *scenario) becomes(all []*loaded, before, after judge, stamp string, change func()) {
	s.t.Helper()
	for _, l := range all {
		l.judge(either(before, after))
	}
	change()
	for _, l := range all {
		l.live(stamp)
		waitAnswer(s.t, l.web[0], nil, func(a harness.Answer) bool { return after(a) == harness.OK })
		// What is under way, or with a worker that comes late, may be answered as before.
		l.traffic.load.WaitRequests(300)
		l.judge(after)
		l.traffic.load.WaitRequests(20)
	}
}

func withToken() map[string]string { return map[string]string{"token": "ok"} }

// file is a path in the directory of specs.
func (s *scenario) file(name string) string { return filepath.Join(s.dir, name) }

// waitAnswer asks until an answer is as wanted. What has to hold for every answer
// is the load's business.
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

package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/reach"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fetches carries out the remote deliveries, and notes which Envoys reach the module server.
type fetches struct {
	*step
	cfg     *Config
	reach   reach.Reach
	streams streams
	tokens  map[string]*sub // from the salt of a remote push to the push's subscriber
}

// begin notes a remote push.
func (e *fetches) begin(u *sub, v Version) {
	attempts := 1
	if f := u.fetch(); f != nil {
		attempts += f.attempts
	}
	e.end(u)
	u.setFetch(&fetch{revision: v.Revision, attempts: attempts, token: v.Salt})
	e.tokens[v.Salt] = u
	e.reach.Pushed(u.s.node.envoy(), e.now)
}

// end ends a remote delivery, whatever its outcome.
func (e *fetches) end(u *sub) {
	if f := u.fetch(); f != nil {
		delete(e.tokens, f.token)
		u.setFetch(nil)
	}
}

// endOther ends the delivery of another revision than the wanted one.
func (e *fetches) endOther(u *sub, wanted string) {
	if f := u.fetch(); f != nil && f.revision != wanted {
		e.end(u)
	}
}

// nacked notes that Envoy has refused the push with the token.
func (e *fetches) nacked(u *sub, token string) {
	f := u.fetch()
	if f == nil || f.token != token {
		return // another revision is wanted by now
	}
	f.nack(e.cfg, e.isUnreached(u), e.now, func() time.Duration { return e.pause(u) })
}

// pause is the pause before the next push.
func (e *fetches) pause(u *sub) time.Duration {
	size := int64(0)
	if r := u.f.find(u.fetch().revision); r != nil {
		size = r.Module.Size
	}
	return u.fetch().pause(e.cfg, size)
}

// isOver says whether the remote delivery under way needs a push now: the second remote push, or
// inline code.
func (e *fetches) isOver(u *sub) bool {
	next, until, reason := u.fetch().next(e.now)
	switch next {
	case fetchAnswer:
		return false
	case fetchWait:
		e.setState(u, Fetching, nil)
		e.wakeSub(u, until)
		return false
	case fetchPush:
	case fetchInline:
		e.fallBack(u, reason)
	case fetchUnloaded:
		// The module is in Envoy's cache and does not load. An inline push brings the verdict.
		e.giveUp(u)
	case fetchNoGET:
		token := u.fetch().token
		u.setNoGET(token)
		e.reach.Missed(u.s.node.envoy(), token)
		e.giveUp(u)
	}
	return true
}

// giveUp has the module's code go inline to this Envoy.
func (e *fetches) giveUp(u *sub) {
	if r := u.f.find(u.fetch().revision); r != nil {
		u.setNoRemote(r.Module.SHA256)
	}
	e.end(u)
}

// fallBack has the code sent inline, and notes the reason.
func (e *fetches) fallBack(u *sub, reason string) {
	u.setFellBack(&Problem{
		Code: CodeFetchFailed, Revision: u.fetch().revision,
		Message: reason + "; it was sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address",
	})
	e.giveUp(u)
}

// started notes that the GET with a token has begun.
func (e *fetches) started(event FetchStarted) {
	u := e.of(event.Token, event.Certificate)
	if u == nil {
		if key, late := e.reach.Late(event.Token); late {
			e.gotFrom(key)
		}
		return
	}
	e.gotFrom(u.s.node.envoy())
	u.fetch().begin(e.now.Add(e.cfg.FetchLimit))
	e.touch(u)
}

// finished notes that the GET with a token has ended.
func (e *fetches) finished(event FetchFinished) {
	if u := e.of(event.Token, event.Certificate); u != nil {
		u.fetch().end(event.Complete, event.Taken, e.now, func() time.Duration { return e.pause(u) })
		e.touch(u)
	}
}

// of finds the subscriber with the token's delivery; nil: the delivery is over, or is that of
// another client.
func (e *fetches) of(token, certificate string) *sub {
	u := e.tokens[token]
	if u == nil || u.s.node.Certificate != certificate || u.closed || u.fetch() == nil || u.fetch().token != token {
		return nil
	}
	return u
}

// mayBeRemote says whether remote code may be sent to the subscriber's Envoy now.
func (e *fetches) mayBeRemote(u *sub) bool {
	return !e.isUnreached(u) || e.reach.Probes(u.s.node.envoy(), e.now)
}

// isUnreached says whether the subscriber's Envoy does not reach the module server.
func (e *fetches) isUnreached(u *sub) bool {
	if !e.reach.Any() {
		return false
	}
	_, unreached := e.reach.Since(u.s.node.envoy())
	return unreached
}

// problem is the problem of a subscriber that gets inline code because its Envoy does not reach the
// module server; nil: there is none.
func (e *fetches) problem(u *sub) *Problem {
	if u.accepted.variant != Inline || u.serving != ServingFilter || u.f.wanted == nil ||
		u.f.wanted.Delivery != spec.Remote || !e.isUnreached(u) {
		return nil
	}
	return unreachedProblem()
}

// loadedInline is called for each accepted inline push.
func (e *fetches) loadedInline(u *sub) {
	token := u.takeNoGET()
	if token == "" {
		return
	}
	if key := u.s.node.envoy(); e.reach.Loaded(key, token, e.now) {
		e.changed(key, u.s.node, false)
	}
}

// noInline ends the wait after a missed GET: the code was refused inline, or the subscriber is
// gone.
func (e *fetches) noInline(u *sub) {
	if token := u.takeNoGET(); token != "" {
		e.reach.GaveUp(token)
	}
}

// gotFrom notes a GET of an Envoy.
func (e *fetches) gotFrom(key reach.Envoy) {
	if e.reach.Got(key) {
		e.changed(key, Node{ID: key.Node, Address: key.Host}, true)
	}
}

// changed reports whether an Envoy reaches the module server, and looks at its subscribers: their
// status may differ.
func (e *fetches) changed(key reach.Envoy, n Node, reached bool) {
	e.tell(ModulesReached{Node: n, Reached: reached})
	for s := range e.streams.inOrder {
		if s.node.envoy() == key {
			for _, u := range s.subs {
				e.touch(u)
			}
		}
	}
}

// unreachedSince is since when the stream's Envoy does not reach the module server; zero: it does,
// as far as is known.
func (e *fetches) unreachedSince(s *stream) time.Time {
	since, _ := e.reach.Since(s.node.envoy())
	return since
}

// unreached is the number of connected Envoys that do not reach the module server.
func (e *fetches) unreached() int {
	if !e.reach.Any() {
		return 0
	}
	there := map[reach.Envoy]struct{}{}
	for _, s := range e.streams {
		key := s.node.envoy()
		if _, unreached := e.reach.Since(key); unreached {
			there[key] = struct{}{}
		}
	}
	return len(there)
}

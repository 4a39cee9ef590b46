package xds

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	rpcstatus "google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// maxNameLength bounds a filter's name, in bytes.
const maxNameLength = 1024

// asked has the names of a request.
type asked struct {
	same           bool     // SotW: the names of the former request
	listing        *listing // the names, if they are known already
	names, dropped []string
	accepted       map[string]string // initial_resource_versions
}

// stream is the cache of one stream: go-control-plane's server asks it for watches, and delivery
// hands it responses. In SotW at most one response is on the way or unanswered. In delta there may
// be several, each answered under its own nonce.
// See docs/RATIONALE.md#why-does-each-stream-have-a-go-control-plane-server-of-its-own.
type stream struct {
	id      delivery.StreamID
	server  *Server
	address string
	ads     bool
	delta   bool
	// The word tells the server that a response waits. Only the word of the stream's protocol is
	// set.
	sotwWord  cachev3.Response
	deltaWord cachev3.DeltaResponse

	ctx context.Context // of the server, until the stream is ended
	end context.CancelFunc

	// Used only by go-control-plane's goroutine.
	key       nodeKey       // the zero value: the node has not been counted
	node      delivery.Node // the node, until the stream is opened
	described bool
	asked     asked
	listing   *listing // SotW: the last list; nil: none yet
	unwatch   func()   // cancel

	mu      sync.Mutex
	opened  bool
	warned  bool
	refusal error  // the reason of the end; nil: not refused
	nodeID  string // for a refusal
	names   subscribed
	watch   watch      // the zero value: the client has not asked (SotW: since the last response)
	next    []response // from delivery, not on the wire yet
	handed  int        // the number of responses in next announced to go-control-plane
	sent    []response // on the wire, not answered yet
}

// watch is the channel on which go-control-plane's server hears that a response waits.
type watch struct {
	sotw  chan<- cachev3.Response
	delta chan<- cachev3.DeltaResponse
}

// tell says whether the server could be told: the channel may be full.
func (w watch) tell(s *stream) bool {
	switch {
	case w.sotw != nil:
		return offer(w.sotw, s.sotwWord)
	case w.delta != nil:
		return offer(w.delta, s.deltaWord)
	default:
		return false
	}
}

// offer puts a word into a channel of go-control-plane, if there is room.
func offer[R any](out chan<- R, r R) bool {
	select {
	case out <- r:
		return true
	default:
		return false
	}
}

// begin reads the common part of both protocols' requests: whether the request is the stream's
// first, and the answer to a response on the wire. The lock is held.
func (s *stream) begin(nonce string, detail *status.Status) (first bool, event delivery.Requested) {
	first, s.opened = !s.opened, true
	return first, delivery.Requested{Stream: s.id, Answer: s.answer(nonce, detail)}
}

// CreateWatch takes a SotW request. go-control-plane drops stale nonces before.
func (s *stream) CreateWatch(req *cachev3.Request, _ cachev3.Subscription, out chan cachev3.Response) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	asked := s.takeAsked()
	if err := cmp.Or(s.checkNames(asked.names), s.admit()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	first, event := s.begin(req.GetResponseNonce(), req.GetErrorDetail())
	if !asked.same {
		versionInfo := ""
		if first {
			versionInfo = req.GetVersionInfo()
		}
		s.setNames(s.server.listings.of(asked, first), versionInfo, &event)
	}
	s.setWatch(watch{sotw: out})
	s.mu.Unlock()
	s.emit(first, event)
	return s.unwatch, nil
}

// setNames compares the list of names with the former list.
func (s *stream) setNames(l *listing, versionInfo string, event *delivery.Requested) {
	before := s.names
	s.listing, s.names = l, subscribed{names: l.names, versions: make([]held, len(l.names))}
	var accepted map[string]string
	if versionInfo != "" {
		accepted = parseVersionInfo(versionInfo, l.values())
	}
	if len(before.names) == 0 && len(accepted) == 0 && l.anew != nil {
		event.Subscribe = l.anew
		return
	}
	if len(before.names) == 0 {
		event.Subscribe = make([]delivery.Subscription, 0, len(l.names))
	}
	for i, one := range l.names {
		name := one.Value()
		if at, there := before.find(name); there {
			s.names.versions[i] = before.versions[at]
			continue
		}
		version := accepted[name]
		if version != "" {
			s.names.versions[i] = hold(version)
		}
		// The client may have lost its config with a listener while it was away, and does not tell.
		// The same bytes again bring the config back, and are ignored otherwise.
		event.Subscribe = append(event.Subscribe, delivery.Subscription{
			Name: name, Accepted: version, Replay: version != "",
		})
	}
	for _, one := range before.names {
		if _, there := s.names.find(one.Value()); !there {
			event.Unsubscribe = append(event.Unsubscribe, one.Value())
		}
	}
}

// CreateDeltaWatch takes a delta request.
func (s *stream) CreateDeltaWatch(req *cachev3.DeltaRequest, _ cachev3.Subscription, out chan cachev3.DeltaResponse) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	asked := s.takeAsked()
	if err := cmp.Or(s.checkNames(asked.names), s.admit()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	first, event := s.begin(req.GetResponseNonce(), req.GetErrorDetail())
	for _, name := range asked.dropped {
		if s.names.remove(name) {
			event.Unsubscribe = append(event.Unsubscribe, name)
		}
	}
	s.addNames(asked, first, &event)
	slices.Sort(event.Unsubscribe)
	tooManyNames := len(s.names.names) > s.server.limits.NamesPerStream
	s.setWatch(watch{delta: out})
	s.mu.Unlock()
	if tooManyNames {
		return nil, s.refuseUnheard(first)
	}
	s.emit(first, event)
	return s.unwatch, nil
}

// addNames adds the names of a delta request.
func (s *stream) addNames(asked asked, first bool, event *delivery.Requested) {
	names := asked.names
	if first || asked.listing != nil {
		l := s.server.listings.of(asked, first)
		if first && len(asked.accepted) == 0 && l.anew != nil {
			s.names.names, event.Subscribe = slices.Clone(l.names), l.anew
			return
		}
		names = l.values()
	}
	slices.Sort(names)
	names = slices.Compact(names)
	event.Subscribe = slices.Grow(event.Subscribe, len(names))
	s.names.names = slices.Grow(s.names.names, len(names))
	for _, name := range names {
		if isWildcard(name) {
			continue
		}
		sub := delivery.Subscription{Name: s.names.add(name)}
		if first {
			sub.Accepted = asked.accepted[name]
		}
		event.Subscribe = append(event.Subscribe, sub)
	}
}

// takeNode keeps the part of a node that delivery needs. Nearly all of the 60 KB from an Envoy are
// the list of extensions. go-control-plane keeps the node for the life of the stream, so the list
// is removed.
func (s *stream) takeNode(n *corev3.Node) error {
	if n == nil {
		return nil
	}
	if !s.described && isDescribed(n) {
		s.node, s.described = describe(n, s.address), true
		if err := s.checkNode(s.node); err != nil {
			return err
		}
	}
	n.Extensions = nil
	return nil
}

// isDescribed says whether a node is more than an empty message.
func isDescribed(n *corev3.Node) bool { return n.GetId()+n.GetCluster() != "" }

// takeNames takes the names of a request out of go-control-plane's sight. go-control-plane would
// make a map of the names anew for each SotW request, and keep delta's names for the life of the
// stream.
func (s *stream) takeNames(request []byte) (err error) {
	if s.asked = (asked{same: s.listing.is(request)}); s.asked.same {
		return nil
	}
	s.asked, err = s.server.asksFor(request, s.listing == nil)
	return err
}

// asksFor has the names of a request. Those of a stream's first request may be known.
func (s *Server) asksFor(request []byte, first bool) (a asked, err error) {
	if first {
		if a.listing = s.listings.find(request); a.listing != nil {
			return a, nil
		}
	}
	for name := range namesIn(request) {
		if !utf8.Valid(name) {
			return a, rpcstatus.Error(codes.InvalidArgument, "a resource name is not UTF-8")
		}
		if len(a.names) > s.limits.NamesPerStream {
			break // too many: checkNames ends the stream
		}
		a.names = append(a.names, string(name))
	}
	return a, nil
}

func (s *stream) takeDeltaNames(r *deltaRequest) {
	s.asked, r.asked = r.asked, asked{}
	s.asked.dropped, s.asked.accepted = r.GetResourceNamesUnsubscribe(), r.GetInitialResourceVersions()
	r.ResourceNamesUnsubscribe, r.InitialResourceVersions = nil, nil
}

func (s *stream) takeAsked() asked {
	taken := s.asked
	s.asked = asked{}
	return taken
}

// emit sends the event to delivery.
func (s *stream) emit(first bool, event delivery.Requested) {
	if first {
		s.server.handler.Handle(delivery.StreamOpened{Stream: s.id, Node: s.node, ADS: s.ads, Delta: s.delta})
		s.node = delivery.Node{}
	}
	s.server.handler.Handle(event)
}

// answer is the request's answer to a response on the wire; nil: none.
func (s *stream) answer(nonce string, detail *status.Status) *delivery.Answer {
	at := slices.IndexFunc(s.sent, func(r response) bool { return r.nonce == nonce })
	if at < 0 {
		return nil
	}
	r := s.sent[at]
	s.sent = slices.Delete(s.sent, at, at+1)
	s.sent = shrink(s.sent)
	if detail != nil {
		return &delivery.Answer{Name: r.name, Nack: true, Message: detail.GetMessage()}
	}
	if !s.delta {
		s.names.accept(&r)
	}
	return &delivery.Answer{Name: r.name}
}

func (s *stream) setWatch(w watch) {
	s.watch = w
	if !s.delta {
		// SotW's former watch is gone, with every word it was told and has not used.
		s.handed = 0
	}
	s.pass()
}

// pass tells the watch of the waiting responses. Delta's channel outlives the watch and has room
// for some of them; the others follow as responses go on the wire.
func (s *stream) pass() {
	for s.handed < len(s.next) && (s.delta || len(s.sent) == 0) && s.watch.tell(s) {
		s.handed++
	}
}

// cancel ends the watch, before go-control-plane sets the next watch or closes the channel.
func (s *stream) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = watch{}
}

func (s *stream) close() {
	s.server.streams.Delete(s.id)
	s.server.admission.leave(s.key)
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	if opened {
		s.server.handler.Handle(delivery.StreamClosed{Stream: s.id})
	}
}

func (s *stream) warnOtherType(typeURL string) {
	s.mu.Lock()
	warned := s.warned
	s.warned = true
	s.mu.Unlock()
	if !warned {
		s.server.logger.Warn("an Envoy asks for resources that wasm-xds does not serve: only extension configs are answered",
			zap.String("type", typeURL), zap.String("address", s.address))
	}
}

// checkNames bounds the names of a request.
func (s *stream) checkNames(names []string) error {
	if len(names) > s.server.limits.NamesPerStream {
		return s.refuse(LimitNamesPerStream)
	}
	for _, name := range names {
		if len(name) > maxNameLength {
			return rpcstatus.Error(codes.InvalidArgument, fmt.Sprintf("a resource name has more than %d bytes", maxNameLength))
		}
	}
	return nil
}

// refuseUnheard ends the stream because of its names. If delivery has not heard of the stream,
// delivery does not hear of the end either.
func (s *stream) refuseUnheard(first bool) error {
	if first {
		s.mu.Lock()
		s.opened = false
		s.mu.Unlock()
	}
	return s.refuse(LimitNamesPerStream)
}

// isWildcard says whether a name has no meaning in ECDS.
func isWildcard(name string) bool { return name == "" || name == "*" }

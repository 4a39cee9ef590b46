package xds

import (
	"slices"
	"sync"
	"unique"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

const (
	maxNames      = 10_000
	maxNameLength = 1024
)

// stream is the cache of one stream: go-control-plane's server asks it for
// watches and delivery hands it responses. At most one response is on its way or
// unanswered, which makes SotW and delta the same to delivery.
type stream struct {
	id      delivery.StreamID
	server  *Server
	address string
	ads     bool
	delta   bool

	// go-control-plane's goroutine's own.
	node      delivery.Node // who it is, until the stream is opened
	described bool

	mu     sync.Mutex
	opened bool
	warned bool
	names  subscribed
	order  []uint16  // SotW: where in names the last request's are, one after the other
	watch  watch     // nil: the client has not asked since the last response
	next   *response // handed over by delivery, not on the wire yet
	handed bool      // next is in the watch's channel
	sent   *response // on the wire, not answered yet
}

// watch passes a response on to go-control-plane's server.
type watch func(r *response, versionInfo string)

type response struct {
	name     string
	version  string
	resource *anypb.Any
	nonce    string
}

// begin is what both protocols' requests begin with: whether it is the stream's
// first, and what it says of the response on the wire. The lock is held.
func (s *stream) begin(nonce string, detail *status.Status) (first bool, event delivery.Requested) {
	first, s.opened = !s.opened, true
	return first, delivery.Requested{Stream: s.id, Answer: s.answer(nonce, detail)}
}

// CreateWatch takes a SotW request. go-control-plane has dropped stale nonces before.
func (s *stream) CreateWatch(req *cachev3.Request, _ cachev3.Subscription, out chan cachev3.Response) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	if err := checkNames(req.GetResourceNames()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	first, event := s.begin(req.GetResponseNonce(), req.GetErrorDetail())
	if !s.sameNames(req.GetResourceNames()) {
		var accepted map[string]string
		if first {
			accepted = parseVersionInfo(req.GetVersionInfo())
		}
		s.setNames(req.GetResourceNames(), accepted, &event)
	}
	s.setWatch(func(r *response, versionInfo string) {
		out <- &cachev3.PassthroughResponse{
			Request: sotwRequest(),
			DiscoveryResponse: &discoveryv3.DiscoveryResponse{
				TypeUrl: resourcev3.ExtensionConfigType, VersionInfo: versionInfo, Resources: []*anypb.Any{r.resource},
			},
			ReturnedResources: map[string]string{},
		}
	})
	s.mu.Unlock()
	s.emit(first, event)
	return s.cancel, nil
}

// sotwRequest and deltaRequest stand for the request that a response belongs to. go-control-plane
// wants its type alone; the request itself, with its names, would be kept until the next one.
func sotwRequest() *cachev3.Request {
	return &cachev3.Request{TypeUrl: resourcev3.ExtensionConfigType}
}

func deltaRequest() *cachev3.DeltaRequest {
	return &cachev3.DeltaRequest{TypeUrl: resourcev3.ExtensionConfigType}
}

// setNames compares the whole list of names with the one before.
func (s *stream) setNames(names []string, accepted map[string]string, event *delivery.Requested) {
	before := s.names
	s.names = make(subscribed, 0, len(names))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if isWildcard(name) {
			continue
		}
		if at, there := before.find(name); there {
			s.names = append(s.names, before[at])
			continue
		}
		s.names.add(name)
		one := &s.names[len(s.names)-1]
		one.version = accepted[name]
		// The client may have lost its config with a listener while it was away: it does
		// not say. The same bytes again bring it back, and are ignored where it is there.
		event.Subscribe = append(event.Subscribe, delivery.Subscription{
			Name: one.name, Accepted: one.version, Replay: one.version != "",
		})
	}
	for _, one := range before {
		if _, there := s.names.find(one.name); !there {
			event.Unsubscribe = append(event.Unsubscribe, one.name)
		}
	}
	s.order = make([]uint16, 0, len(names))
	for _, name := range names {
		at, _ := s.names.find(name)
		s.order = append(s.order, uint16(at)) // maxNames is less
	}
}

// sameNames says whether the list is the last request's once more, as in every
// ACK. false may also mean that it is the same in another order.
func (s *stream) sameNames(names []string) bool {
	return slices.EqualFunc(s.order, names, func(at uint16, name string) bool {
		return int(at) < len(s.names) && s.names[at].name == name
	})
}

// CreateDeltaWatch takes a delta request.
func (s *stream) CreateDeltaWatch(req *cachev3.DeltaRequest, _ cachev3.Subscription, out chan cachev3.DeltaResponse) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	if err := checkNames(req.GetResourceNamesSubscribe()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	first, event := s.begin(req.GetResponseNonce(), req.GetErrorDetail())
	for _, name := range req.GetResourceNamesUnsubscribe() {
		if s.names.remove(name) {
			event.Unsubscribe = append(event.Unsubscribe, name)
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(req.GetResourceNamesSubscribe()))) {
		if isWildcard(name) {
			continue
		}
		sub := delivery.Subscription{Name: s.names.add(name)}
		if first {
			sub.Accepted = unique.Make(req.GetInitialResourceVersions()[name]).Value()
		}
		event.Subscribe = append(event.Subscribe, sub)
	}
	slices.Sort(event.Unsubscribe)
	tooManyNames := len(s.names) > maxNames
	s.setWatch(func(r *response, _ string) {
		out <- &cachev3.DeltaPassthroughResponse{
			DeltaRequest:   deltaRequest(),
			NextVersionMap: map[string]string{},
			DeltaDiscoveryResponse: &discoveryv3.DeltaDiscoveryResponse{
				TypeUrl:   resourcev3.ExtensionConfigType,
				Resources: []*discoveryv3.Resource{{Name: r.name, Version: r.version, Resource: r.resource}},
			},
		}
	})
	s.mu.Unlock()
	if tooManyNames {
		return nil, tooMany("names", maxNames)
	}
	s.emit(first, event)
	return s.cancel, nil
}

// takeNode keeps what delivery needs of a node. Nearly all of the 60 KB that an
// Envoy sends is the list of its extensions: go-control-plane, which keeps the node for
// the life of the stream, is left without it.
func (s *stream) takeNode(n *corev3.Node) {
	if n == nil {
		return
	}
	if !s.described && n.GetId()+n.GetCluster() != "" {
		s.node, s.described = describe(n, s.address), true
	}
	n.Extensions = nil
}

// emit tells delivery.
func (s *stream) emit(first bool, event delivery.Requested) {
	if first {
		s.server.handler.Handle(delivery.StreamOpened{Stream: s.id, Node: s.node, ADS: s.ads, Delta: s.delta})
		s.node = delivery.Node{}
	}
	s.server.handler.Handle(event)
}

// answer says what the request says of the response on the wire, if it does.
func (s *stream) answer(nonce string, detail *status.Status) *delivery.Answer {
	if s.sent == nil || nonce != s.sent.nonce {
		return nil
	}
	r := s.sent
	s.sent = nil
	if detail != nil {
		return &delivery.Answer{Nack: true, Message: detail.GetMessage()}
	}
	if !s.delta {
		s.names.accept(r.name, unique.Make(r.version).Value())
	}
	return &delivery.Answer{}
}

// deliver takes a response from delivery; it goes out as soon as the client asks.
func (s *stream) deliver(a delivery.Send, resource *anypb.Any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = &response{name: a.Name, version: a.Version.String(), resource: resource}
	s.handed = false
	s.pass()
}

func (s *stream) setWatch(w watch) {
	s.watch = w
	if !s.delta {
		// A SotW watch has a channel of its own: what was in the last one is dropped.
		s.handed = false
	}
	s.pass()
}

// pass puts the next response into the watch's channel, which always has room
// for it: at most one is in it.
func (s *stream) pass() {
	if s.watch == nil || s.next == nil || s.handed || s.sent != nil {
		return
	}
	s.handed = true
	versionInfo := ""
	if !s.delta {
		versionInfo = s.names.versionInfo(s.next.name, s.next.version)
	}
	s.watch(s.next, versionInfo)
}

// cancel ends the watch, before go-control-plane sets the next one.
func (s *stream) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = nil
}

// onSend notes that the response goes on the wire under this nonce.
func (s *stream) onSend(nonce string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		return
	}
	s.sent, s.next, s.handed = s.next, nil, false
	s.sent.nonce = nonce
	s.watch = nil
}

func (s *stream) close() {
	s.server.streams.Delete(s.id)
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

// checkNames bounds what a client may ask for.
func checkNames(names []string) error {
	if len(names) > maxNames {
		return tooMany("names", maxNames)
	}
	for _, name := range names {
		if len(name) > maxNameLength {
			return tooMany("bytes in a name", maxNameLength)
		}
	}
	return nil
}

// isWildcard tells names that mean nothing in ECDS.
func isWildcard(name string) bool { return name == "" || name == "*" }

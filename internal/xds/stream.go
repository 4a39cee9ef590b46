package xds

import (
	"slices"
	"sync"

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

	mu       sync.Mutex
	opened   bool
	warned   bool
	names    map[string]struct{}
	accepted map[string]string // SotW: what version_info lists
	watch    watch             // nil: the client has not asked since the last response
	next     *response         // handed over by delivery, not on the wire yet
	handed   bool              // next is in the watch's channel
	sent     *response         // on the wire, not answered yet
}

// watch passes a response on to go-control-plane's server.
type watch func(r *response, versionInfo string)

type response struct {
	name     string
	version  string
	resource *anypb.Any
	nonce    string
}

// CreateWatch takes a SotW request. go-control-plane has dropped stale nonces before.
func (s *stream) CreateWatch(req *cachev3.Request, _ cachev3.Subscription, out chan cachev3.Response) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	names, err := wantedNames(req.GetResourceNames())
	if err != nil {
		return nil, err
	}
	event := delivery.Requested{Stream: s.id}
	s.mu.Lock()
	first := !s.opened
	s.opened = true
	event.Answer = s.answer(req.GetResponseNonce(), req.GetErrorDetail())
	known := map[string]string{}
	if first {
		known = parseVersionInfo(req.GetVersionInfo())
	}
	for name := range s.names {
		if _, ok := names[name]; !ok {
			event.Unsubscribe = append(event.Unsubscribe, name)
			delete(s.accepted, name)
		}
	}
	for name := range names {
		if _, ok := s.names[name]; ok {
			continue
		}
		sub := delivery.Subscription{Name: name, Accepted: known[name]}
		if sub.Accepted != "" {
			s.accepted[name] = sub.Accepted
			// The client may have lost its config with a listener while it was away: it does
			// not say. The same bytes again bring it back, and are ignored where it is there.
			sub.Replay = true
		}
		event.Subscribe = append(event.Subscribe, sub)
	}
	s.names = names
	s.setWatch(func(r *response, versionInfo string) {
		out <- &cachev3.PassthroughResponse{
			Request: req,
			DiscoveryResponse: &discoveryv3.DiscoveryResponse{
				TypeUrl: resourcev3.ExtensionConfigType, VersionInfo: versionInfo, Resources: []*anypb.Any{r.resource},
			},
			ReturnedResources: map[string]string{},
		}
	})
	s.mu.Unlock()
	s.emit(first, req.GetNode(), event)
	return s.cancel, nil
}

// CreateDeltaWatch takes a delta request.
func (s *stream) CreateDeltaWatch(req *cachev3.DeltaRequest, _ cachev3.Subscription, out chan cachev3.DeltaResponse) (func(), error) {
	if req.GetTypeUrl() != resourcev3.ExtensionConfigType {
		s.warnOtherType(req.GetTypeUrl())
		return nil, nil
	}
	subscribe, err := wantedNames(req.GetResourceNamesSubscribe())
	if err != nil {
		return nil, err
	}
	event := delivery.Requested{Stream: s.id}
	s.mu.Lock()
	first := !s.opened
	s.opened = true
	event.Answer = s.answer(req.GetResponseNonce(), req.GetErrorDetail())
	for _, name := range req.GetResourceNamesUnsubscribe() {
		if _, ok := s.names[name]; ok {
			delete(s.names, name)
			event.Unsubscribe = append(event.Unsubscribe, name)
		}
	}
	for name := range subscribe {
		sub := delivery.Subscription{Name: name}
		if first {
			sub.Accepted = req.GetInitialResourceVersions()[name]
		}
		s.names[name] = struct{}{}
		event.Subscribe = append(event.Subscribe, sub)
	}
	tooManyNames := len(s.names) > maxNames
	s.setWatch(func(r *response, _ string) {
		out <- &cachev3.DeltaPassthroughResponse{
			DeltaRequest:   req,
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
	s.emit(first, req.GetNode(), event)
	return s.cancel, nil
}

// emit tells delivery. The names come from maps, so they are sorted for the same
// run to be the same run twice.
func (s *stream) emit(first bool, node node, event delivery.Requested) {
	if first {
		s.server.handler.Handle(delivery.StreamOpened{
			Stream: s.id, Node: describe(node, s.address), ADS: s.ads, Delta: s.delta,
		})
	}
	slices.Sort(event.Unsubscribe)
	slices.SortFunc(event.Subscribe, func(a, b delivery.Subscription) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
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
	if _, subscribed := s.names[r.name]; subscribed && !s.delta {
		s.accepted[r.name] = r.version
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
		versionInfo = formatVersionInfo(s.accepted, s.next.name, s.next.version)
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

// wantedNames is the set of the names; a wildcard means nothing in ECDS.
func wantedNames(list []string) (map[string]struct{}, error) {
	if len(list) > maxNames {
		return nil, tooMany("names", maxNames)
	}
	names := make(map[string]struct{}, len(list))
	for _, name := range list {
		if name == "" || name == "*" {
			continue
		}
		if len(name) > maxNameLength {
			return nil, tooMany("bytes in a name", maxNameLength)
		}
		names[name] = struct{}{}
	}
	return names, nil
}

package simenvoy

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// link is the part of an Envoy that its streams share.
type link struct {
	conn    *grpc.ClientConn
	mode    Mode
	node    []byte
	backoff time.Duration // between a lost stream and the next stream
	counts  counts
	// judge returns the reason to refuse a resource, or nil.
	judge func(*received) error
	// updated is called with each resource after its answer.
	updated func(one *received, err error)
}

// counts are the totals of all streams.
type counts struct {
	responses, bytesIn, bytesOut, acks, nacks, streams atomic.Int64
}

// stream is one xDS stream with all reconnects.
type stream struct {
	link  *link
	names *Names
	delta bool

	booted      bool     // the stream has asked for the names before
	versionInfo string   // SotW: the last accepted version_info
	versions    []string // delta: accepted versions, by index in names
}

// newStream returns a stream. atOnce makes the first request ask for all names.
func newStream(l *link, names *Names, atOnce bool) *stream {
	s := &stream{link: l, names: names, delta: l.mode.delta(), booted: atOnce}
	if s.delta {
		s.versions = make([]string, names.Len())
	}
	return s
}

// run reopens the stream until ctx ends.
func (s *stream) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s.serve(ctx)
		timer.Reset(s.link.backoff)
	}
}

// serve runs the stream until it breaks. The caller opens the next stream.
func (s *stream) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	g, err := s.link.conn.NewStream(ctx, desc, s.link.mode.method(), grpc.WaitForReady(true))
	if err != nil {
		return
	}
	s.link.counts.streams.Add(1)
	if s.subscribe(g) != nil {
		return
	}
	for {
		var f frame
		if g.RecvMsg(&f) != nil {
			return
		}
		err := s.take(g, f.in.ReadOnlyData())
		f.in.Free()
		if err != nil {
			return
		}
	}
}

// subscribe asks for the names. At boot each name has a request of its own, because each of
// Envoy's filters subscribes when Envoy creates the filter. Later streams ask for all names at
// once.
func (s *stream) subscribe(g grpc.ClientStream) error {
	if s.booted {
		return s.send(g, s.resume())
	}
	s.booted = true
	for i, name := range s.names.list {
		r := &request{names: s.names.first(i + 1), subscribe: []string{name}}
		if i == 0 {
			r.node = s.link.node
		}
		if err := s.send(g, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) resume() *request {
	r := &request{node: s.link.node, versionInfo: s.versionInfo, names: s.names.all, subscribe: s.names.list}
	if s.delta {
		r.initial = map[string]string{}
		for i, version := range s.versions {
			if version != "" {
				r.initial[s.names.list[i]] = version
			}
		}
	}
	return r
}

func (s *stream) send(g grpc.ClientStream, r *request) error {
	out := r.marshal(s.delta)
	s.link.counts.bytesOut.Add(int64(len(out)))
	return g.SendMsg(&frame{out: out})
}

// take answers a response. As in Envoy, one bad resource makes the whole response a NACK. The
// resources before the bad resource are applied, the resources after it are not parsed, and no
// version counts as accepted.
func (s *stream) take(g grpc.ClientStream, message []byte) error {
	s.link.counts.bytesIn.Add(int64(len(message)))
	r, err := parseResponse(message, s.delta)
	if err != nil {
		return err
	}
	s.link.counts.responses.Add(1)
	for i := range r.resources {
		one := &r.resources[i]
		if !s.delta {
			one.version = r.versionInfo
		}
		if err = s.link.judge(one); err != nil {
			break
		}
	}
	if err == nil && s.delta {
		for i := range r.resources {
			if at, ok := s.names.index[r.resources[i].name]; ok {
				s.versions[at] = r.resources[i].version
			}
		}
	}
	answer := &request{names: s.names.all, nonce: r.nonce, nack: err}
	if err == nil {
		s.versionInfo = r.versionInfo
		s.link.counts.acks.Add(1)
	} else {
		s.link.counts.nacks.Add(1)
	}
	answer.versionInfo = s.versionInfo
	for _, name := range r.removed {
		if at, ok := s.names.index[name]; ok {
			s.versions[at] = ""
		}
	}
	if err := s.send(g, answer); err != nil {
		return err
	}
	for i := range r.resources {
		s.link.updated(&r.resources[i], err)
	}
	return nil
}

package simenvoy

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// stream is one xDS stream with all reconnects.
type stream struct {
	envoy *Envoy
	names *Names
	delta bool

	booted      bool     // the stream has asked for the names before
	versionInfo string   // SotW: the last accepted version_info
	versions    []string // delta: accepted versions, by index in names
}

func newStream(e *Envoy, names *Names) *stream {
	s := &stream{envoy: e, names: names, delta: e.cfg.Mode.delta(), booted: e.cfg.AtOnce}
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
		timer.Reset(s.envoy.cfg.Backoff)
	}
}

// serve runs the stream until it breaks. The caller opens the next stream.
func (s *stream) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	g, err := s.envoy.conn.NewStream(ctx, desc, s.envoy.cfg.Mode.method(), grpc.WaitForReady(true))
	if err != nil {
		return
	}
	s.envoy.counts.streams.Add(1)
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
			r.node = s.envoy.node
		}
		if err := s.send(g, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) resume() *request {
	r := &request{node: s.envoy.node, versionInfo: s.versionInfo, names: s.names.all, subscribe: s.names.list}
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
	s.envoy.counts.bytesOut.Add(int64(len(out)))
	return g.SendMsg(&frame{out: out})
}

// take answers a response. As in Envoy, one bad resource makes the whole response a NACK. The
// resources before the bad resource are applied, the resources after it are not parsed, and no
// version counts as accepted.
func (s *stream) take(g grpc.ClientStream, message []byte) error {
	s.envoy.counts.bytesIn.Add(int64(len(message)))
	r, err := parseResponse(message, s.delta)
	if err != nil {
		return err
	}
	s.envoy.counts.responses.Add(1)
	for i := range r.resources {
		one := &r.resources[i]
		if !s.delta {
			one.version = r.versionInfo
		}
		if err = s.envoy.judge(one); err != nil {
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
		s.envoy.counts.acks.Add(1)
	} else {
		s.envoy.counts.nacks.Add(1)
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
	if updated := s.envoy.cfg.Updated; updated != nil {
		for _, one := range r.resources {
			updated(Update{Envoy: s.envoy, Name: one.name, Version: one.version, Resource: one.config, Err: err})
		}
	}
	return nil
}

// judge returns the reason to refuse a resource, or nil.
func (e *Envoy) judge(one *received) error {
	if e.cfg.Judge != nil {
		if err := e.cfg.Judge(one.name, one.version, one.config); err != nil {
			return err
		}
	}
	return e.code.load(one)
}

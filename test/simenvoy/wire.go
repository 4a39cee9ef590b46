package simenvoy

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

const typedExtensionConfig = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

// rawCodec passes messages through as bytes.
type rawCodec struct{}

var _ encoding.CodecV2 = rawCodec{}

// frame is an encoded message.
type frame struct {
	out []byte     // to be sent; gRPC owns the bytes after the send
	in  mem.Buffer // received; the receiver frees the buffer
}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.(*frame).out)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*frame).in = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}

// Name returns "proto", the content subtype of protobuf messages.
func (rawCodec) Name() string { return "proto" }

// request is a delta or SotW discovery request.
type request struct {
	node        []byte // nil after the first request
	versionInfo string // SotW
	names       []byte // SotW: the field resource_names
	subscribe   []string
	initial     map[string]string
	nonce       string
	nack        error
}

func (r *request) marshal(delta bool) []byte {
	b := make([]byte, 0, len(r.node)+len(r.versionInfo)+len(r.names)+40*len(r.subscribe)+80*len(r.initial)+160)
	if !delta {
		if r.versionInfo != "" {
			b = appendString(b, 1, r.versionInfo)
		}
		if r.node != nil {
			b = appendBytes(b, 2, r.node)
		}
		b = append(b, r.names...)
		b = appendString(b, 4, typedExtensionConfig)
		if r.nonce != "" {
			b = appendString(b, 5, r.nonce)
		}
		return r.appendNack(b, 6)
	}
	if r.node != nil {
		b = appendBytes(b, 1, r.node)
	}
	b = appendString(b, 2, typedExtensionConfig)
	for _, name := range r.subscribe {
		b = appendString(b, 3, name)
	}
	for name, version := range r.initial {
		b = appendBytes(b, 5, appendString(appendString(nil, 1, name), 2, version))
	}
	if r.nonce != "" {
		b = appendString(b, 6, r.nonce)
	}
	return r.appendNack(b, 7)
}

// appendNack appends error_detail, if there is an error.
func (r *request) appendNack(b []byte, field protowire.Number) []byte {
	if r.nack == nil {
		return b
	}
	const internal = 13 // Envoy's gRPC status code in a NACK
	detail := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), internal)
	return appendBytes(b, field, appendString(detail, 2, r.nack.Error()))
}

// response is a delta or SotW discovery response. The slices point into the message.
type response struct {
	versionInfo string // SotW
	nonce       string
	resources   []received
	removed     []string
}

type received struct {
	name, version string
	config        []byte // a TypedExtensionConfig
}

var errMalformed = errors.New("malformed message")

func parseResponse(b []byte, delta bool) (response, error) {
	var r response
	err := fields(b, func(field protowire.Number, v []byte) error {
		switch {
		case field == 1 && !delta:
			r.versionInfo = string(v)
		case field == 2:
			one, err := parseResource(v, delta)
			if err != nil {
				return err
			}
			r.resources = append(r.resources, one)
		case field == 4 && string(v) != typedExtensionConfig:
			return fmt.Errorf("a response of type %q", v)
		case field == 5:
			r.nonce = string(v)
		case field == 6 && delta:
			r.removed = append(r.removed, string(v))
		}
		return nil
	})
	return r, err
}

// parseResource parses a Resource (delta) or an Any (SotW).
func parseResource(b []byte, delta bool) (received, error) {
	var r received
	packed := b
	if delta {
		err := fields(b, func(field protowire.Number, v []byte) error {
			switch field {
			case 1:
				r.version = string(v)
			case 2:
				packed = v
			case 3:
				r.name = string(v)
			}
			return nil
		})
		if err != nil {
			return r, err
		}
	}
	err := fields(packed, func(field protowire.Number, v []byte) error {
		if field == 2 {
			r.config = v
		}
		return nil
	})
	if err != nil || delta {
		return r, err
	}
	return r, fields(r.config, func(field protowire.Number, v []byte) error {
		if field == 1 {
			r.name = string(v)
		}
		return nil
	})
}

// fields calls take for each length-delimited field and skips all other fields.
func fields(b []byte, take func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errMalformed
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, b); n < 0 {
				return errMalformed
			}
			b = b[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return errMalformed
		}
		b = b[n:]
		if err := take(field, v); err != nil {
			return err
		}
	}
	return nil
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}

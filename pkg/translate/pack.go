package translate

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// packConfig packs a configuration in the message of its type; nil stays nil. For a Struct, config
// already is the wire format, which Envoy passes on unchanged.
func packConfig(config *string, as spec.ConfigType) (*anypb.Any, error) {
	if config == nil {
		return nil, nil
	}
	switch as {
	case "", spec.ConfigString:
		return pack(wrapperspb.String(*config))
	case spec.ConfigBytes:
		return pack(wrapperspb.Bytes([]byte(*config)))
	case spec.ConfigStruct:
		return &anypb.Any{TypeUrl: structURL, Value: []byte(*config)}, nil
	default:
		return nil, fmt.Errorf("unknown type %q", as)
	}
}

const structURL = "type.googleapis.com/google.protobuf.Struct"

func pack(m proto.Message) (*anypb.Any, error) {
	packed := new(anypb.Any)
	err := anypb.MarshalFrom(packed, m, proto.MarshalOptions{Deterministic: true})
	return packed, wireError(err)
}

func marshal(m proto.Message) ([]byte, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return data, wireError(err)
}

// wireError replaces protobuf's own error, which names an internal field and no remedy for text
// without valid UTF-8.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errors.New("cannot be put on the wire (text must be UTF-8)"), err)
}

package envoyfacts

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The message type of a configuration decides the bytes for the module.
func TestConfigurationTypes(t *testing.T) {
	object, err := structpb.NewStruct(map[string]any{
		"realm": "prod", "limit": 1e3, "deep": map[string]any{"list": []any{true, nil, "a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	deep := structpb.NewStringValue("the end")
	for range 60 { // nested deeper than a C++ program would parse
		deep = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"a": deep}})
	}
	deepWire, err := proto.Marshal(deep.GetStructValue())
	if err != nil {
		t.Fatal(err)
	}
	bytes := "\xff\x00\xfe\n{}"
	cases := []struct {
		name   string
		config proto.Message
		want   string
	}{
		{"none", nil, ""},
		{"StringValue", wrapperspb.String(`{"b": 1.0,  "a": 2}`), `{"b": 1.0,  "a": 2}`},
		{"BytesValue", wrapperspb.Bytes([]byte(bytes)), bytes},
		// Envoy's API documentation promises JSON here.
		{"Struct", object, string(wire)},
		{"deep Struct", deep.GetStructValue(), string(deepWire)},
	}
	on(t, every, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		for _, c := range cases {
			module := testfilter.HTTP{Stamp: c.name, AnswerConfig: true}.Module()
			st.ack(filter{version: c.name, module: module, config: c.config}.resource(t))
			e.wantStamp("auth", c.name)
			if got := e.get("auth").Body; c.config != nil && got != c.want {
				t.Errorf("%s: the module gets %q, not %q", c.name, got, c.want)
			}
		}
	})
}

// A configuration of many MiB arrives complete.
func TestLargeConfiguration(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		for _, mib := range []int{4, 32} {
			text := strings.Repeat("0123456789abcdef", mib<<16)
			stamp := fmt.Sprintf("%d MiB", mib)
			module := testfilter.HTTP{Stamp: stamp, AnswerConfig: true}.Module()
			st.ack(filter{version: stamp, module: module, config: wrapperspb.String(text)}.resource(t))
			e.wantStamp("auth", stamp)
			if got := e.get("auth").Body; got != text {
				t.Errorf("of %d MiB the module gets %d bytes", mib, len(got))
			}
		}
	})
}

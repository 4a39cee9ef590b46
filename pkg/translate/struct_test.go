package translate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The Struct that a spec makes of a configuration is the one that protobuf makes.
func FuzzStruct(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"":""}`, `{"b": [1, 1.0, 1e3, -0, 0.1, true, false, null, "é😀", [], {}], "a": {"c": {"": -5e-324}}}`,
		`{"long": "` + strings.Repeat("x", 300) + `", "n": 9007199254740992}`, `[]`, `{"a":1} x`, `{"a":1,"a":1}`,
		strings.Repeat(`{"a":`, 31) + `{}` + strings.Repeat(`}`, 31),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := spec.ConfigStruct.Encode(text)
		if err != nil {
			return // stricter than protobuf on purpose
		}
		var want structpb.Struct
		if err := protojson.Unmarshal([]byte(text), &want); err != nil {
			if json.Valid([]byte(text)) && strings.Contains(text, `\u`) {
				t.Skip() // half a surrogate
			}
			t.Fatalf("%q is no Struct: %v", text, err)
		}
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(wire) {
			t.Errorf("%q became\n%q, want\n%q", text, got, wire)
		}
	})
}

func TestStructDepth(t *testing.T) {
	for levels, ok := range map[int]bool{32: true, 33: false} {
		text := strings.Repeat(`{"a":`, levels-1) + `{}` + strings.Repeat(`}`, levels-1)
		if _, err := spec.ConfigStruct.Encode(text); (err == nil) != ok {
			t.Errorf("%d levels: %v", levels, err)
		}
	}
}

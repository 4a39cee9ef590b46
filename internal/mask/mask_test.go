package mask

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestHide(t *testing.T) {
	object, err := structpb.NewStruct(map[string]any{"key": "hunter2", "list": []any{"nested-secret", 12345678.0}})
	if err != nil {
		t.Fatal(err)
	}
	wire, err := proto.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		config string
		as     spec.ConfigType
		text   string
		want   string
	}{
		{`{"key":"hunter2"}`, "", `cannot parse {"key":"hunter2"} at key`, "cannot parse … at key"},
		{`{"key":"hunter2"}`, "", `configuration: "{\"key\":\"hunter2\"}"`, `configuration: "…"`},
		{`{"key":"hunter2"}`, "", "key is hunter2!", "key is …!"},
		{`{"a":{"b":["x",{"c":"nested-secret"}]}}`, "", "c: nested-secret, b: x", "c: …, b: x"},
		{`{"pin":123456,"port":8080,"debug":true}`, "", "123456 8080 true", "… 8080 true"},
		{`{"pem":"first line of it\nsecond line of it"}`, "", "log: second line of it", "log: …"},
		{`{"a":"with \"marks\""}`, "", `say with "marks" and with \"marks\"`, "say … and …"},
		{`{"key":"a-long-password"}`, "", "it logged: key is a-long-pa…; and more…", "it logged: key is …; and more…"},
		{`{"key":"a-long-password"}`, "", `got {"key":"a-lon…`, "got …"},
		{`{"key":"a-long-password"}`, "", "key is a-l…", "key is a-l…"},
		{`{"key":"a-long-password"}`, "", "a-long-password…a-long-password and a-lo", "……… and a-lo"},
		{`["abcdefgh","abcdefghij"]`, "", "abcdefghij", "…"},
		{"token = hunter2\nmode: strict-mode\n", "", "hunter2 strict-mode token", "… … token"},
		{"a plain greeting", "", "it logged: a plain greeting", "it logged: …"},
		{"ab", "", "cab", "cab"},
		{"", "", "cab", "cab"},
		{string(wire), spec.ConfigStruct, "hunter2, nested-secret, 12345678, key", "…, …, …, key"},
		{`{"a":"secret-one"} {"b":"secret-two"}`, "", `{"a":"secret-one"} {"b":"secret-two"}`, "…"},
	} {
		var b Builder
		b.Config(&tt.config, tt.as)
		if got := b.Mask().Hide(tt.text); got != tt.want {
			t.Errorf("%q in %q: %q, want %q", tt.config, tt.text, got, tt.want)
		}
	}
	var b Builder
	b.Config(nil, "")
	b.Value("variable")
	b.Value("short")
	if got := b.Mask().Hide("a short variable"); got != "a short …" {
		t.Error(got)
	}
	if got := (Mask{}).Hide("text"); got != "text" {
		t.Error(got)
	}
}

// A configuration of 16 MiB costs little time.
func TestLargeConfigurations(t *testing.T) {
	config := `{"list":[` + strings.Repeat(`"some value of it",`, 1<<20) + `"last"]}`
	var b Builder
	b.Config(&config, "")
	if got := b.Mask().Hide("it is " + config); got != "it is …" {
		t.Errorf("%.100q", got)
	}
	if n := len(b.secrets); n > 4 {
		t.Errorf("%d secrets", n)
	}
}

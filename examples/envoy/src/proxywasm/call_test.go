package proxywasm

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestHeadersOfACall(t *testing.T) {
	for name, test := range map[string]struct {
		request HTTPRequest
		want    []Header
	}{
		"defaults": {
			HTTPRequest{Cluster: "auth"},
			[]Header{{":method", "GET"}, {":path", "/"}, {":authority", "auth"}},
		},
		"all of them": {
			HTTPRequest{Cluster: "auth", Method: "POST", Authority: "auth.example", Path: "/v1", Headers: []Header{{"a", "b"}}},
			[]Header{{":method", "POST"}, {":path", "/v1"}, {":authority", "auth.example"}, {"a", "b"}},
		},
	} {
		if got := test.request.headers(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		-time.Second: 0, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second: 1000,
		math.MaxInt64: math.MaxUint32,
	} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

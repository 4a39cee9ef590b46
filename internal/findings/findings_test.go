package findings

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/examine"
)

func nothingNeeded(func(string)) {}

// The kept text equals a new encoding.
func TestTheFileIsJSON(t *testing.T) {
	var k Known
	for i := range 20 {
		want := file{Format: format, Sandbox: "<one>", Verdicts: []saved{}}
		all := k.Used(nothingNeeded)
		got, err := Encode(want.Sandbox, all)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			want.Verdicts = append(want.Verdicts, saved{one.key, one.found})
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(text) {
			t.Fatalf("got  %s\nwant %s", got, text)
		}
		if n := len(all); n > 1 && all[n-1].key != fmt.Sprint("<", i/2, ">") {
			t.Errorf("%s comes last, and %d was used last", all[n-1].key, i/2)
		}
		var again Known
		if err := again.Decode("<one>", got); err != nil || len(again.all) != i {
			t.Fatalf("%d findings are read, %v", len(again.all), err)
		}
		k.Put(fmt.Sprint("<", i, ">"), examine.Findings{Errors: []examine.Finding{{Code: "bad", Message: fmt.Sprint("]}", i)}}})
		k.Get(fmt.Sprint("<", (i+1)/2, ">"))
	}
}

func TestFindingsAreBounded(t *testing.T) {
	var k Known
	for i := range 5 * spare {
		k.Put(fmt.Sprint(i), examine.Findings{})
		if i%spare == 0 {
			k.Used(nothingNeeded)
		}
	}
	k.Used(nothingNeeded)
	if n := len(k.all); n > 2*spare {
		t.Errorf("%d findings are kept", n)
	}
	if k.Get(fmt.Sprint(5*spare-1)) == nil {
		t.Error("the newest were dropped")
	}
}

// Findings that a spec needs stay, however old they are.
func TestNeededFindingsStay(t *testing.T) {
	var k Known
	for i := range 10 * spare {
		k.Put(fmt.Sprint(i), examine.Findings{})
	}
	k.Used(func(yield func(string)) { yield("0") })
	if k.Get("0") == nil {
		t.Error("needed findings were dropped")
	}
	if n := len(k.all); n != spare+1 {
		t.Errorf("%d findings are kept", n)
	}
}

func TestFilesThatDoNotCount(t *testing.T) {
	for text, other := range map[string]bool{
		`{`: false, `{"format": 99, "sandbox": "one"}`: false, `{"format": 1, "sandbox": "two", "verdicts": [{"key": "a"}]}`: true,
	} {
		var k Known
		if err := k.Decode("one", []byte(text)); err == nil || errors.Is(err, ErrOtherSandbox) != other || len(k.all) != 0 {
			t.Errorf("%s: %v, %d findings", text, err, len(k.all))
		}
	}
}

package testfilter

import (
	"bytes"
	"compress/flate"
	"io"
	"testing"
)

func TestModulesAreDeterministicAndStamped(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(stamp string) []byte
	}{
		{"http", func(s string) []byte { return HTTP{Stamp: s}.Module() }},
		{"http, everything", func(s string) []byte {
			return HTTP{
				Stamp: s, StampHeader: "x-other", RequireToken: true, EchoConfig: true, EchoEnv: "NAME", EchoLog: true,
				TrapOnRequest: true, ConfigureFails: true, MissingImport: true, NewImport: true, LogOnConfigure: "hi", Pad: 1000,
			}.Module()
		}},
		{"network", func(s string) []byte { return Network{Stamp: s}.Module() }},
		{"network, everything", func(s string) []byte {
			return Network{
				Stamp: s, Downstream: true, EveryChunk: true, TrapOnConnection: true,
				ConfigureFails: true, MissingImport: true, LogOnConfigure: "hi", Pad: 1000,
			}.Module()
		}},
		{"garbage", Garbage},
		{"no memory", NoMemory},
		{"loop", LoopOnConfigure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v1, v2 := tc.make("v1"), tc.make("v2")
			if !bytes.Equal(v1, tc.make("v1")) {
				t.Error("one stamp gives different modules")
			}
			if bytes.Equal(v1, v2) {
				t.Error("different stamps give one module")
			}
			if len(v1) != len(v2) {
				t.Errorf("stamps of one length give modules of %d and %d bytes", len(v1), len(v2))
			}
		})
	}
}

func TestCodeIsWhatWasAskedFor(t *testing.T) {
	const code = 1 << 20
	plain, large := HTTP{Stamp: "v1"}.Module(), HTTP{Stamp: "v1", Code: code}.Module()
	if grown := len(large) - len(plain); grown < code || grown > code+code/10 {
		t.Errorf("code of %d bytes added %d", code, grown)
	}
	if !bytes.Equal(large, HTTP{Stamp: "v1", Code: code}.Module()) {
		t.Error("one stamp gives different modules")
	}
}

func TestPadIsNoise(t *testing.T) {
	const pad = 1 << 20
	plain, padded := HTTP{Stamp: "v1"}.Module(), HTTP{Stamp: "v1", Pad: pad}.Module()
	if grown := len(padded) - len(plain); grown < pad || grown > pad+16 {
		t.Errorf("a pad of %d bytes added %d", pad, grown)
	}
	var squeezed bytes.Buffer
	w, err := flate.NewWriter(&squeezed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(padded)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if squeezed.Len() < pad {
		t.Errorf("%d bytes compress to %d", len(padded), squeezed.Len())
	}
}

func TestTextMustFit(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic: the stamp would lie in the table of contexts")
		}
	}()
	HTTP{Stamp: string(make([]byte, textEnd))}.Module()
}

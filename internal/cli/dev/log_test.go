package dev

import (
	"bytes"
	"testing"
)

func TestEnvoyLogShowsWhatMatters(t *testing.T) {
	var file, show bytes.Buffer
	log := &envoyLog{file: &file, show: &show}
	text := "[2026-01-02 03:04:05.678][info][main] starting\n" +
		"[2026-01-02 03:04:05.678][warning][main] There is no configured limit to the number of connections\n" +
		"[2026-01-02 03:04:05.678][warning][config] gone\n" +
		"[2026-01-02 03:04:05.678][critical][wasm] Plugin configured to fail closed failed to load\n" +
		"[2026-01-02 03:04:05.678][warning][config] delta config for type.googleapis.com/x rejected: Unable to create Wasm plugin a\n" +
		"[2026-01-02 03:04:05.678][info][wasm] wasm log auth: \x1b[31mhello\n" +
		"error initializing configuration"
	for _, part := range []string{text[:10], text[10:200], text[200:], "\n"} {
		if _, err := log.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	want := "envoy | [warning][config] gone\nenvoy | [info][wasm] wasm log auth: \uFFFD[31mhello\nenvoy | error initializing configuration\n"
	if show.String() != want {
		t.Errorf("got\n%s\nwant\n%s", show.String(), want)
	}
	if file.String() != text+"\n" {
		t.Error("the file has not all")
	}
}

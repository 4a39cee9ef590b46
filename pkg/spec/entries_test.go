package spec

import (
	"strings"
	"testing"
)

func TestEntries(t *testing.T) {
	const text = "\ufeff# A comment\r\n" +
		"xds-address: unix:///run/wasm-xds/xds.sock # the socket\r\n" +
		"socket-mode: 0660\r\n" +
		"admin-address: '[::1]:18002'\r\n" +
		"max-request-size: 4MiB\r\n" +
		"allow-empty: true\r\n" +
		"host-env:\r\n- A=1\r\n- \"B=x y # z\"\r\n" +
		"insecure-registry: [a, b:5000]\r\n" +
		"modules-url: \"https://modules.example/a\"\r\n"
	settings, problem := ReadEntries("wasm-xds.yaml", []byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	var got []string
	for _, one := range settings {
		got = append(got, one.Name+"="+strings.Join(one.Values, "|"))
	}
	want := []string{
		"xds-address=unix:///run/wasm-xds/xds.sock", "socket-mode=0660", "admin-address=[::1]:18002", "max-request-size=4MiB",
		"allow-empty=true", "host-env=A=1|B=x y # z", "insecure-registry=a|b:5000", "modules-url=https://modules.example/a",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if at := settings[1].Pos.String(); at != "wasm-xds.yaml:3:1" {
		t.Errorf("the second setting is at %s", at)
	}
}

func FuzzEntries(f *testing.F) {
	for _, text := range []string{"a: b", "a: [b, c]", "a: {b: c}", "? [a]\n: b", "a: &x b\nc: *x", "<<: *x", "--- !!str a\n", "a: |\n  b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		settings, problem := ReadEntries("f", []byte(text))
		if problem != nil && (settings != nil || problem.Message == "" || problem.Pos.Line < 1) {
			t.Errorf("%q: settings %v and the problem %v", text, settings, problem)
		}
		for _, one := range settings {
			if !one.IsList && len(one.Values) != 1 {
				t.Errorf("%q: %+v", text, one)
			}
		}
	})
}

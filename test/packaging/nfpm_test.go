package packaging

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestNFPMConfig(t *testing.T) {
	text, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := NFPMConfig(text, Package{Version: "1.2.3", Arch: "amd64", Binary: "bin/wasm-xds", Date: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"name: wasm-xds\n", "version: 1.2.3\n", "mtime: \"1970-01-01T00:00:00Z\"\n", "depends:", "postinstall: packaging/scripts/deb-postinst",
		"src: bin/wasm-xds\n", "dst: /usr/bin/wasm-xds\n", "mode: 420\n", "mode: 493\n", "homepage: ", "recommends:",
	} {
		if !strings.Contains(string(config), want) {
			t.Errorf("%q is not in\n%s", want, config)
		}
	}
}

func TestNFPMConfigRefusesAnother(t *testing.T) {
	for _, text := range []string{"nfpms: []", "nfpms: {", "nfpms: [{}, {}]"} {
		if _, err := NFPMConfig([]byte(text), Package{}); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

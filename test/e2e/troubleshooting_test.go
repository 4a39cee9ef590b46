package e2e_test

import (
	"os"
	"strings"
	"testing"
)

// The page on troubleshooting has each of Envoy's messages for a broken bootstrap.
func TestTroubleshootingHasEnvoysTexts(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range envoySays {
		if name == "default-config" {
			continue // the path of the example
		}
		if !strings.Contains(string(page), text) {
			t.Errorf("%s: the page does not have %q", name, text)
		}
	}
}

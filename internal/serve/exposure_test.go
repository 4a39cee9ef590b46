package serve

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
)

func TestExposure(t *testing.T) {
	encrypted := tlsfiles.Config{CertFile: "tls.crt", KeyFile: "tls.key"}
	mutual := tlsfiles.Config{CertFile: "tls.crt", KeyFile: "tls.key", ClientCAFile: "ca.crt"}
	const everybody, plain = "everybody who reaches it could change filters", "in plain text"
	for _, tt := range []struct {
		address  string
		tls      tlsfiles.Config
		tokens   string
		insecure bool
		want     string // in the error; "": the server starts
	}{
		{"127.0.0.1:18002", tlsfiles.Config{}, "", false, ""},
		{"[::1]:18002", tlsfiles.Config{}, "", false, ""},
		{"localhost:18002", tlsfiles.Config{}, "", false, ""},
		{"unix:///run/admin.sock", tlsfiles.Config{}, "", false, ""},
		{"0.0.0.0:18002", tlsfiles.Config{}, "", false, everybody},
		{"[::]:18002", tlsfiles.Config{}, "", false, everybody},
		{"10.0.0.1:18002", tlsfiles.Config{}, "", false, everybody},
		{"control.example:18002", tlsfiles.Config{}, "", false, everybody},
		{"0.0.0.0:18002", encrypted, "", false, everybody},
		{"0.0.0.0:18002", tlsfiles.Config{}, "tokens", false, plain},
		{"0.0.0.0:18002", encrypted, "tokens", false, ""},
		{"0.0.0.0:18002", mutual, "", false, "each client with a certificate could change filters"},
		{"127.0.0.1:18002", mutual, "", false, ""},
		{"0.0.0.0:18002", mutual, "", true, ""},
		{"0.0.0.0:18002", mutual, "tokens", false, ""},
		{"0.0.0.0:18002", tlsfiles.Config{}, "", true, ""},
		{"0.0.0.0:18002", tlsfiles.Config{}, "tokens", true, ""},
	} {
		err := checkExposure(&Config{AdminAddress: tt.address, AdminTLS: tt.tls, AdminTokenFile: tt.tokens, AdminInsecure: tt.insecure})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

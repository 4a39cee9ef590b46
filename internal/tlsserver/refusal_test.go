package tlsserver_test

import (
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

func TestHTTPLog(t *testing.T) {
	var got []string
	log := tlsserver.HTTPLog{
		Refused: func(from, text string) { got = append(got, "refused "+from+" "+text) },
		Other:   func(line string) { got = append(got, line) },
	}
	for _, line := range []string{
		"http: TLS handshake error from 127.0.0.1:5: tls: client didn't provide a certificate\n",
		"http: TLS handshake error from [::1]:5: EOF\n", "http: panic serving\n",
	} {
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	want := []string{
		"refused 127.0.0.1:5 tls: client didn't provide a certificate", "refused [::1]:5 EOF", "http: panic serving",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

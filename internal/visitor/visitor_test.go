package visitor

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestClassify(t *testing.T) {
	for _, tt := range []struct {
		first   string
		want    Protocol
		decided bool
	}{
		{"\x16", TLS, false},
		{"\x16\x03\x01\x02\x00", TLS, true},
		{"\x16\x04", "", true},
		{"P", HTTP2, false}, // or POST, PUT, PATCH
		{"PR", HTTP2, false},
		{"PRI * HTTP/2.0\r\n", HTTP2, true},
		{"PO", HTTP1, false},
		{"POST / HTTP/1.1\r\n", HTTP1, true},
		{"GET / HTTP/1.1\r\n", HTTP1, true},
		{"CONNECT ", HTTP1, true},
		{"get / HTTP/1.1", "", true},
		{"SSH-2.0-", "", true},
		{"\x00\x00\x00", "", true},
	} {
		if got, decided := Classify([]byte(tt.first)); got != tt.want || decided != tt.decided {
			t.Errorf("%q: %q, %t; want %q, %t", tt.first, got, decided, tt.want, tt.decided)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add([]byte("PRI * HTTP/2.0"))
	f.Fuzz(func(t *testing.T, first []byte) {
		p, decided := Classify(first)
		if !decided && len(first) >= longestPrefix {
			t.Errorf("%d bytes are not enough", len(first))
		}
		if more, _ := Classify(append([]byte{}, append(first, 'x')...)); decided && more != p {
			t.Errorf("%q is %q, and with one byte more %q", first, p, more)
		}
	})
}

// The server reads exactly the sent bytes for any split into pieces, and each visitor is reported
// once.
func TestListen(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("tcp", func(t *testing.T) { testListen(t, "tcp", func() string { return "127.0.0.1:0" }) })
	t.Run("unix", func(t *testing.T) {
		testListen(t, "unix", func() string { return filepath.Join(t.TempDir(), "s") })
	})
}

func testListen(t *testing.T, network string, address func() string) {
	for name, tt := range map[string]struct {
		pieces []string
		want   Protocol // "": no report
	}{
		"as it should be":    {[]string{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, ""},
		"in single bytes":    {[]string{"P", "R", "I", " ", "* HTTP/2.0"}, ""},
		"TLS":                {[]string{"\x16\x03\x01\x02\x00\x01", "more"}, TLS},
		"TLS, byte by byte":  {[]string{"\x16", "\x03", "\x01"}, TLS},
		"HTTP/1":             {[]string{"GET / HTTP/1.1\r\n", "Host: a\r\n"}, HTTP1},
		"another protocol":   {[]string{"SSH-2.0-OpenSSH"}, ""},
		"nothing":            {nil, ""},
		"less than a method": {[]string{"GE"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inner, err := net.Listen(network, address())
			if err != nil {
				t.Fatal(err)
			}
			var reports []Protocol
			l := Listen(inner, HTTP2, func(_ net.Addr, p Protocol) { reports = append(reports, p) })
			defer l.Close()
			client, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			server, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			sent := ""
			for _, piece := range tt.pieces {
				if _, err := client.Write([]byte(piece)); err != nil {
					t.Fatal(err)
				}
				sent += piece
				buffer := make([]byte, len(piece))
				if _, err := io.ReadFull(server, buffer); err != nil || string(buffer) != piece {
					t.Fatalf("%q, %v", buffer, err)
				}
			}
			client.Close()
			if rest, err := io.ReadAll(server); err != nil || len(rest) > 0 {
				t.Errorf("%q, %v", rest, err)
			}
			switch {
			case tt.want == "" && len(reports) > 0, tt.want != "" && (len(reports) != 1 || reports[0] != tt.want):
				t.Errorf("reported are %q, want %q", reports, tt.want)
			}
		})
	}
}

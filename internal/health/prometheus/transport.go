package prometheus

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// askLimit bounds the time of a question. A query that takes longer is too slow to be asked
	// every few seconds.
	askLimit = 5 * time.Second
	// maxAnswer bounds an answer in bytes, and maxSamples its samples: a query for a rollout gives
	// a handful.
	maxAnswer  = 1 << 20
	maxSamples = 10_000
	// maxReason bounds the text of a server in a message.
	maxReason = 300
)

// maxFile bounds a file with a credential or with certificates, in bytes.
const maxFile = 1 << 20

var errTooLarge = fmt.Errorf("the answer has more than %d bytes", maxAnswer)

// transport adds the credential of a spec to the requests for its server, and bounds the answers.
type transport struct {
	inner         *http.Transport
	host          string // of the spec's URL; no other host gets the credential
	authorization string // "": none
}

func newTransport(guard netguard.Guard, limit spec.PrometheusLimit) (*transport, error) {
	at, err := url.Parse(limit.URL)
	if err != nil {
		return nil, errors.New("the URL is invalid")
	}
	t := &transport{host: at.Host, inner: &http.Transport{
		Proxy: guard.Proxy, DialContext: guard.Dialer().DialContext, TLSHandshakeTimeout: askLimit,
		MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}}
	if t.authorization, err = authorization(limit); err != nil {
		return nil, err
	}
	if limit.CAFile != "" {
		pem, err := read(limit, limit.CAFile)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, errors.New("caFile has no certificate in PEM")
		}
		t.inner.TLSClientConfig.RootCAs = roots
	}
	return t, nil
}

// authorization returns the header with the credential of the spec's file.
func authorization(limit spec.PrometheusLimit) (string, error) {
	switch {
	case limit.TokenFile != "":
		token, err := read(limit, limit.TokenFile)
		if err != nil {
			return "", err
		}
		return "Bearer " + strings.TrimSpace(string(token)), nil
	case limit.PasswordFile != "":
		line, err := read(limit, limit.PasswordFile)
		if err != nil {
			return "", err
		}
		user, password, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), ":")
		if !ok {
			return "", errors.New("passwordFile has no line user:password")
		}
		request := http.Request{Header: http.Header{}}
		request.SetBasicAuth(user, password)
		return request.Header.Get("Authorization"), nil
	}
	return "", nil
}

func read(limit spec.PrometheusLimit, path string) ([]byte, error) {
	content, err := (*regular.Bounds)(limit.Bounds).Read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read: %s", path, reason.Of(err))
	}
	return content, nil
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.authorization != "" && request.URL.Host == t.host {
		request = request.Clone(request.Context())
		request.Header.Set("Authorization", t.authorization)
	}
	response, err := t.inner.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: maxAnswer}
	return response, nil
}

func (t *transport) close() { t.inner.CloseIdleConnections() }

// boundedBody fails after a number of bytes.
type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

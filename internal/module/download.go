package module

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

const (
	maxTries      = 5
	maxRetryAfter = time.Minute      // if a server asks for a longer pause, the download fails
	tryLimit      = 15 * time.Minute // for one attempt, from dialling to the last byte
	progressEvery = 5 * time.Second  // between two log lines of a long download
)

// downloadPauses are the pauses between the attempts of one download.
var downloadPauses = pause.Policy{First: 500 * time.Millisecond, Most: time.Minute, Jitter: 0.5}

var errTryLimit = errors.New("the download took too long")

// httpClient returns the resolver's client with the rules for redirects, or a default client.
func (r *Resolver) httpClient() *http.Client {
	r.setup.Do(func() {
		gate := r.Gate
		if gate == nil {
			gate = &transfer.Gate{}
		}
		client := &http.Client{Transport: &http.Transport{
			Proxy:                  r.Guard.Proxy,
			DialContext:            r.Guard.Dialer().DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: r.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			// Downloads are rare, so a kept connection would only waste a goroutine.
			DisableKeepAlives: true,
		}}
		if r.HTTP != nil {
			given := *r.HTTP
			client = &given
		}
		client.Transport = gate.Wrap(client.Transport)
		client.CheckRedirect = netguard.CheckRedirect
		r.client = client
	})
	return r.client
}

func (r *Resolver) schedule() backoff.BackOff {
	if r.retries != nil {
		return r.retries()
	}
	return downloadPauses.Schedule()
}

// download is the download of one module into the store.
type download struct {
	url    *url.URL
	sha256 string
	client *http.Client
	store  *Store
	logger *zap.Logger
	check  func(*os.File, snapshot.Module) error
}

// run repeats the download until an attempt succeeds, fails for good, or the schedule ends.
func (d *download) run(ctx context.Context, schedule backoff.BackOff) (snapshot.Module, error) {
	return backoff.Retry(ctx,
		func() (snapshot.Module, error) { return d.try(ctx) },
		backoff.WithBackOff(schedule),
		backoff.WithMaxTries(maxTries),
		backoff.WithMaxElapsedTime(0), // the number of attempts and their limits bound the time
		backoff.WithNotify(func(err error, pause time.Duration) {
			d.logger.Warn("module download failed, trying again", zap.Error(err), zap.Duration("in", pause))
			transfer.Report(ctx, transfer.Wait{Why: err.Error(), Until: time.Now().Add(pause)})
		}))
}

// try downloads once. Errors that another attempt cannot avoid are permanent.
func (d *download) try(ctx context.Context) (snapshot.Module, error) {
	ctx, cancelLimit := context.WithTimeoutCause(ctx, tryLimit, errTryLimit)
	defer cancelLimit()

	response, err := d.get(ctx)
	if err != nil {
		return snapshot.Module{}, err
	}
	defer response.Body.Close()
	body := &body{
		ctx: ctx, r: response.Body,
		logger: d.logger, logged: time.Now(), length: response.ContentLength,
	}
	stored, err := d.put(ctx, body)
	switch {
	case err == nil:
		d.logger.Info("module downloaded", zap.Int64("bytes", stored.Size))
		return stored, nil
	case errors.Is(err, errTransfer):
		return snapshot.Module{}, err
	case context.Cause(ctx) != nil:
		return snapshot.Module{}, fmt.Errorf("%w: %w", errTransfer, context.Cause(ctx))
	default:
		return snapshot.Module{}, backoff.Permanent(err)
	}
}

// put unpacks the body if necessary, and stores the module.
func (d *download) put(ctx context.Context, body io.Reader) (snapshot.Module, error) {
	unpacked, err := layer.Open(body, MaxSize)
	if err != nil {
		return snapshot.Module{}, err
	}
	defer unpacked.Close()
	return d.store.put(ctx, unpacked, MaxSize, d.check)
}

// get requests the module and checks the head of the answer.
func (d *download) get(ctx context.Context) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url.String(), nil)
	if err != nil {
		return nil, backoff.Permanent(errors.New("module.url is not a URL"))
	}
	request.Header.Set("User-Agent", "wasm-xds")
	request.Header.Set("Accept", "application/wasm, application/octet-stream;q=0.9, application/gzip;q=0.9, */*;q=0.8")
	// layer.Open unpacks by content. Prevent any other compression.
	request.Header.Set("Accept-Encoding", "identity")
	response, err := d.client.Do(request)
	if err != nil {
		return nil, wordDo(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, newStatusError(response).forRetry()
	}
	if response.ContentLength > MaxSize {
		response.Body.Close()
		return nil, backoff.Permanent(fmt.Errorf("%w: %d bytes", ErrTooLarge, response.ContentLength))
	}
	return response, nil
}

// wordDo removes the URL from the client's error, because the URL's query may be a secret.
func wordDo(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if cause, ok := certs.CauseOf(err); ok {
		err = &tlsError{cause: cause, err: err}
		if cause.Certificate || cause.Plain {
			return backoff.Permanent(err) // an immediate retry fails in the same way
		}
		return err
	}
	if errors.Is(err, netguard.ErrRedirect) || errors.Is(err, netguard.ErrRefused) {
		return backoff.Permanent(err)
	}
	return err
}

// tlsError is a TLS failure with its cause.
type tlsError struct {
	cause certs.Cause
	err   error
}

// Error returns the cause in words.
func (e *tlsError) Error() string { return e.cause.Words }

// Unwrap returns the error of the connection.
func (e *tlsError) Unwrap() error { return e.err }

// statusError is an answer other than 200.
type statusError struct {
	code       int
	host       string
	retryAfter time.Duration // 0: the server named no pause
	wantsTLS   bool          // the server speaks HTTPS, but the request was plain HTTP
}

func newStatusError(response *http.Response) *statusError {
	e := &statusError{
		code:       response.StatusCode,
		host:       response.Request.URL.Host,
		retryAfter: pause.RetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	if e.code == http.StatusBadRequest && response.Request.URL.Scheme == "http" {
		const enough = 1 << 10
		text, _ := io.ReadAll(io.LimitReader(response.Body, enough)) // a partial text is enough
		e.wantsTLS = certs.WantsTLS(string(text))
	}
	return e
}

// Error names the host and its answer.
func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.host, e.code, http.StatusText(e.code))
}

func (e *statusError) retryable() bool {
	return e.code >= http.StatusInternalServerError || e.code == http.StatusTooManyRequests
}

func (e *statusError) hint() string {
	if e.wantsTLS {
		return "write https:// instead of http://"
	}
	switch e.code {
	case http.StatusNotFound, http.StatusGone:
		return "correct module.url, or publish the module there"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the server wants credentials; put a URL there that needs none, or use module.file"
	default:
		return "correct module.url"
	}
}

// forRetry marks the answer as permanent, as retryable, or as retryable after a pause.
func (e *statusError) forRetry() error {
	switch {
	case !e.retryable():
		return backoff.Permanent(e)
	case e.retryAfter > maxRetryAfter:
		return backoff.Permanent(fmt.Errorf("%w, and asks to come back in %v", e, e.retryAfter))
	case e.retryAfter > 0:
		return &pausedError{statusError: e, pause: &backoff.RetryAfterError{Duration: e.retryAfter}}
	default:
		return e
	}
}

// pausedError is a statusError with the pause that the server asked for.
type pausedError struct {
	*statusError
	pause *backoff.RetryAfterError
}

// Unwrap returns both errors, for errors.As.
func (e *pausedError) Unwrap() []error { return []error{e.statusError, e.pause} }

// errTransfer marks errors of the connection, which may not occur in another attempt.
var errTransfer = errors.New("transfer broke")

// body reads the answer's body and logs the progress.
type body struct {
	ctx    context.Context
	r      io.Reader
	logger *zap.Logger
	logged time.Time
	read   int64
	length int64 // -1: unknown
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.read += int64(n)
	if time.Since(b.logged) >= progressEvery {
		b.logged = time.Now()
		b.logger.Info("downloading module", zap.Int64("bytes", b.read), zap.Int64("of", b.length))
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if cause := context.Cause(b.ctx); cause != nil {
		err = cause
	}
	return n, fmt.Errorf("%w after %d bytes: %w", errTransfer, b.read, err)
}

package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/layer"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

const maxTries = 5

// download is the download of a module into the store.
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

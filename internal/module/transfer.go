package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/pause"
)

const (
	tryLimit      = 15 * time.Minute // for one attempt, from dialling to the last byte
	progressEvery = 5 * time.Second  // between two log lines of a long download
)

var errTryLimit = errors.New("the download took too long")

// downloadPauses are the pauses between the attempts of one download.
var downloadPauses = pause.Policy{First: 500 * time.Millisecond, Most: time.Minute, Jitter: 0.5}

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

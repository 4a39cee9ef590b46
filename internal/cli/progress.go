package cli

import (
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
)

// longTransfer is the size in bytes above which a transfer shows its progress.
const longTransfer = 1 << 20

// transfer shows the progress of bytes: as a bar on a terminal, elsewhere as a line at the
// beginning.
type transfer struct {
	all *mpb.Progress
	bar *mpb.Bar // nil: no bar is shown
}

// newTransfer begins a transfer of total bytes. The text describes the transfer, as in "push x".
func newTransfer(ctx context.Context, stderr io.Writer, what string, total int64) *transfer {
	switch {
	case total < longTransfer:
		return &transfer{}
	case !isTerminal(stderr):
		fmt.Fprintf(stderr, "%s: %s\n", what, byteCount(total))
		return &transfer{}
	}
	all := mpb.NewWithContext(ctx, mpb.WithOutput(stderr))
	bar := all.New(total, mpb.BarStyle(),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.Counters(decor.SizeB1024(0), " % .1f / % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "  % .1f")))
	return &transfer{all, bar}
}

// reader counts the bytes that are read.
func (t *transfer) reader(body io.ReadCloser, err error) (io.ReadCloser, error) {
	if t.bar == nil || err != nil {
		return body, err
	}
	if counted, err := t.bar.ProxyReader(body); err == nil {
		return counted, nil
	}
	return body, nil // the bar has ended already
}

// skip counts bytes that need no transfer.
func (t *transfer) skip(bytes int64) {
	if t.bar != nil {
		t.bar.IncrInt64(bytes)
	}
}

// end leaves a full bar after a success, and no bar otherwise.
func (t *transfer) end(err error) {
	if t.bar == nil {
		return
	}
	if err == nil {
		t.bar.SetTotal(-1, true)
	} else {
		t.bar.Abort(true)
	}
	t.all.Wait()
}

// meteredTarget is the source of a push, with a transfer that counts the bytes.
type meteredTarget struct {
	oras.ReadOnlyTarget
	transfer *transfer
}

// Fetch counts the bytes that are read.
func (m meteredTarget) Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	return m.transfer.reader(m.ReadOnlyTarget.Fetch(ctx, target))
}

// meteredStorage is the source of a pull, with a transfer that counts the bytes.
type meteredStorage struct {
	content.ReadOnlyStorage
	transfer *transfer
}

// Fetch counts the bytes that are read.
func (m meteredStorage) Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	return m.transfer.reader(m.ReadOnlyStorage.Fetch(ctx, target))
}

package fetch

import (
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

// longTransfer is the size in bytes above which a transfer shows its progress.
const longTransfer = 1 << 20

// Transfer shows the progress of bytes: as a bar on a terminal, elsewhere as a line at the
// beginning.
type Transfer struct {
	all *mpb.Progress
	bar *mpb.Bar // nil: no bar is shown
}

// NewTransfer begins a transfer of total bytes. The text describes the transfer, as in "push x".
func NewTransfer(ctx context.Context, stderr io.Writer, what string, total int64) *Transfer {
	switch {
	case total < longTransfer:
		return &Transfer{}
	case !display.IsTerminal(stderr):
		fmt.Fprintf(stderr, "%s: %s\n", what, display.Bytes(total))
		return &Transfer{}
	}
	all := mpb.NewWithContext(ctx, mpb.WithOutput(stderr))
	bar := all.New(total, mpb.BarStyle(),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.Counters(decor.SizeB1024(0), " % .1f / % .1f"), decor.AverageSpeed(decor.SizeB1024(0), "  % .1f")))
	return &Transfer{all, bar}
}

// reader counts the bytes that are read.
func (t *Transfer) reader(body io.ReadCloser, err error) (io.ReadCloser, error) {
	if t.bar == nil || err != nil {
		return body, err
	}
	if counted, err := t.bar.ProxyReader(body); err == nil {
		return counted, nil
	}
	return body, nil // the bar has ended already
}

// Target is the source of a push; the transfer counts the bytes that are read.
func (t *Transfer) Target(from oras.ReadOnlyTarget) oras.ReadOnlyTarget {
	return meteredTarget{from, t.reader}
}

// storage is the source of a pull; the transfer counts the bytes that are read.
func (t *Transfer) storage(from content.ReadOnlyStorage) content.ReadOnlyStorage {
	return meteredStorage{from, t.reader}
}

// Skip counts bytes that need no transfer.
func (t *Transfer) Skip(bytes int64) {
	if t.bar != nil {
		t.bar.IncrInt64(bytes)
	}
}

// End leaves a full bar after a success, and no bar otherwise.
func (t *Transfer) End(err error) {
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

// metering counts the bytes that are read from a body.
type metering func(body io.ReadCloser, err error) (io.ReadCloser, error)

type meteredTarget struct {
	oras.ReadOnlyTarget
	count metering
}

// Fetch counts the bytes that are read.
func (m meteredTarget) Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	return m.count(m.ReadOnlyTarget.Fetch(ctx, target))
}

type meteredStorage struct {
	content.ReadOnlyStorage
	count metering
}

// Fetch counts the bytes that are read.
func (m meteredStorage) Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	return m.count(m.ReadOnlyStorage.Fetch(ctx, target))
}

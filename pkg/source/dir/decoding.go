package dir

import (
	"crypto/sha256"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// decoding decodes the texts of one look on all cores, while the look goes on. Few texts are held
// at a time, however many files there are. The zero value is ready to use.
type decoding struct {
	group errgroup.Group
	all   []*decoded
	first func() // of all, until there is a second one
}

// decoded is what a file's text says.
type decoded struct {
	file   *file
	sum    [sha256.Size]byte
	specs  []*spec.Spec
	errs   []*spec.Error
	broken bool
}

func (d *decoding) add(one *decoded, text []byte, decode Decode) {
	run := func() { one.specs, one.errs, one.broken = decode(one.file.shown, text) }
	d.all = append(d.all, one)
	if len(d.all) == 1 {
		d.first = run // one edit needs no other goroutine
		return
	}
	if d.first != nil {
		d.group.SetLimit(runtime.GOMAXPROCS(0))
		d.start(d.first)
		d.first = nil
	}
	d.start(run)
}

func (d *decoding) start(run func()) {
	d.group.Go(func() error {
		run()
		return nil
	})
}

// finish returns what was decoded, in the order in which it was added.
func (d *decoding) finish() []*decoded {
	if d.first != nil {
		d.first()
		d.first = nil
	}
	_ = d.group.Wait() // nothing returns an error
	all := d.all
	d.all = nil
	return all
}

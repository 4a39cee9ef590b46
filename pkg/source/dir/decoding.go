package dir

import (
	"crypto/sha256"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Decode splits a spec file into its documents and decodes them, like [spec.Decode]. A Decode must
// be safe for concurrent use.
type Decode func(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool)

// decoding decodes the texts of a look on all cores, while the look continues. Only a few texts
// are in memory at a time.
type decoding struct {
	decode Decode
	group  errgroup.Group
	all    []*decoded
	first  func() // the first text's decoding, until a second text is added
}

// decoded is a decoded spec file.
type decoded struct {
	file   *file
	sum    [sha256.Size]byte
	specs  []*spec.Spec
	errs   []*spec.Error
	broken bool
}

func (d *decoding) add(one *decoded, text []byte) {
	run := func() { one.specs, one.errs, one.broken = d.decode(one.file.shown, text) }
	d.all = append(d.all, one)
	if len(d.all) == 1 {
		d.first = run // a single edit needs no other goroutine
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

// finish returns the decoded files in the order of add.
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

// Package dir watches a directory of specs.
//
// Changes are noticed through fsnotify and through a rescan that needs no
// events, so that bind mounts and network disks work too. What is watched is
// everything that a set depends on: the directory, its sub-directories, the
// files that specs refer to wherever they lie, every directory on the way to
// them, and the directories of the symbolic links that were followed.
package dir

import (
	"context"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The defaults of [Config].
const (
	DefaultSettle = 20 * time.Millisecond
	DefaultRescan = 10 * time.Second
)

// Decode takes a spec file apart into its documents; [spec.Decode] is one. Several files are
// decoded at a time.
type Decode func(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool)

// Config says what to watch and how.
type Config struct {
	// Dir is the directory of specs. It may be a symbolic link, and it need not
	// exist yet. Specs and errors name their files by it, as it is given here.
	// "" is the working directory.
	Dir string
	// Settle is the quiet time before a changed directory is read. A tenth of it is
	// enough where files were renamed into their places within what is watched, and a
	// single spec file is read at once then, unless another read was just before. 0 is
	// [DefaultSettle]; a negative one reads at every event.
	Settle time.Duration
	// Rescan is the time between two looks at everything without any event, which do
	// not hold up what events tell of. 0 is [DefaultRescan]; a negative one never looks.
	Rescan time.Duration
	// Logger gets what happens beside the sets. Nil logs nothing.
	Logger *zap.Logger
	// Decode reads a spec file. Nil is [spec.Decode].
	Decode Decode
	// Keys are the absolute paths of keys by one of which all modules must be signed. They
	// are in every set's References, and with some so are the signatures beside modules.
	Keys []string
}

// Source is a directory of specs. It implements [source.Source].
type Source struct {
	dir    string // as given
	settle time.Duration
	rescan time.Duration
	log    *zap.Logger
	decode Decode
	keys   []string
	syncs  chan chan<- error // requests of Sync, with the place for the answer

	// Seams for tests.
	disk   disk
	notify func() (notifier, error)
	limits limits
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New makes a Source; it touches nothing before [Source.Run].
func New(c Config) *Source {
	s := &Source{
		dir:    filepath.Clean(c.Dir), // "" becomes "."
		settle: c.Settle,
		rescan: c.Rescan,
		log:    c.Logger,
		decode: c.Decode,
		keys:   c.Keys,
		syncs:  make(chan chan<- error),
		disk:   realDisk(),
		notify: newFSNotify,
		limits: defaultLimits(),
	}
	if s.settle == 0 {
		s.settle = DefaultSettle
	}
	if s.rescan == 0 {
		s.rescan = DefaultRescan
	}
	if s.decode == nil {
		s.decode = spec.Decode
	}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	return s
}

// Run implements [source.Source]. It emits a first set in any case, and then
// one whenever the content of the set has changed. A directory that cannot be
// read is no error of Run: the set says so. Run may be called again after it
// has returned, but not twice at a time.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	abs, err := filepath.Abs(s.dir)
	if err != nil {
		return err
	}
	w := newWatches(s.notify, s.log)
	defer w.close()
	l := &loop{
		log:     s.log,
		state:   newState(s, abs, w),
		settle:  newSettle(s.settle),
		emit:    emit,
		syncs:   s.syncs,
		rescans: make(chan *rescan, 1),
	}
	return l.run(ctx, s.rescan)
}

// loop is the one goroutine that owns the state.
type loop struct {
	log    *zap.Logger
	state  *state
	settle settle
	dirty  dirty
	emit   func(source.Set)
	last   *source.Set

	syncs   <-chan chan<- error
	waiting []chan<- error // the requests of Sync that the next read answers

	rescans    chan *rescan // what one has found
	rescanning bool         // one is under way
}

func (l *loop) run(ctx context.Context, rescan time.Duration) error {
	var ticks <-chan time.Time
	if rescan > 0 {
		t := time.NewTicker(rescan)
		defer t.Stop()
		ticks = t.C
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	defer l.endRescan() // ctx has ended then
	defer func() { l.answerSyncs(ctx.Err()) }()

	l.dirty.all = true
	l.read(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.state.watches.inbox.wake:
			if !l.hear(time.Now()) {
				continue
			}
			if wait := time.Until(l.settle.due()); wait > 0 {
				timer.Reset(wait)
				continue
			}
			timer.Stop()
			l.read(ctx)
		case <-timer.C:
			l.read(ctx)
		case answer := <-l.syncs:
			l.readFor(answer, time.Now())
			timer.Reset(time.Until(l.settle.due()))
		case <-ticks:
			if l.tick(ctx, time.Now()) {
				timer.Reset(time.Until(l.settle.due()))
			}
		case r := <-l.rescans:
			l.rescanning = false
			if l.state.rescanned(r, &l.dirty) {
				l.settle.note(time.Now(), unfinished)
				timer.Reset(time.Until(l.settle.due()))
			}
		}
	}
}

// hear sorts out what the events concern, and says whether that is anything.
func (l *loop) hear(now time.Time) bool {
	batch := l.state.watches.inbox.take()
	if batch.overflow {
		l.log.Warn("events of the file system were lost; looking at everything")
	}
	some, c := l.state.concern(batch, &l.dirty)
	if !some {
		return false
	}
	l.settle.note(now, c)
	return true
}

// tick has everything looked at, and says whether that has to settle. A change
// that no event told of may be half done, so it is not passed on before a
// second look.
func (l *loop) tick(ctx context.Context, now time.Time) bool {
	if l.state.quiet() {
		if !l.rescanning {
			l.rescanning = true
			run := l.state.rescan(ctx.Done())
			go func() { l.rescans <- run() }()
		}
		return false
	}
	l.dirty.all = true
	if l.settle.pending() {
		return false // the look that is due covers it
	}
	if set := l.look(); l.last != nil && equal(*l.last, set) {
		return false
	}
	l.dirty.all = true
	l.settle.note(now, unfinished)
	return true
}

// endRescan waits for one that is under way.
func (l *loop) endRescan() {
	if l.rescanning {
		<-l.rescans
	}
}

// read looks at what is dirty and emits the set if it is another one.
func (l *loop) read(ctx context.Context) {
	l.settle.reset(time.Now())
	set := l.look()
	if ctx.Err() != nil {
		return
	}
	defer l.answerSyncs(readError(set))
	if l.last != nil && equal(*l.last, set) {
		return
	}
	l.report(set)
	l.last = &set
	l.emit(set)
}

func (l *loop) look() source.Set {
	d := l.dirty
	l.dirty = dirty{}
	return l.state.look(d)
}

// report logs what has changed in how well the directory can be watched.
func (l *loop) report(set source.Set) {
	var before source.Set
	if l.last != nil {
		before = *l.last
	}
	// That it is unavailable says the set, to whoever logs what sets say.
	if before.Unavailable != nil && set.Unavailable == nil {
		l.log.Info("the directory of specs is back")
	}
	switch {
	case set.Degraded != nil && !equalError(before.Degraded, set.Degraded):
		l.log.Warn("the directory of specs is watched by rescan only", zap.String("code", set.Degraded.Code), zap.Error(set.Degraded))
	case set.Degraded == nil && before.Degraded != nil && set.Unavailable == nil:
		l.log.Info("the directory of specs is watched by events again")
	}
	l.log.Debug("read the directory of specs", zap.Int("specs", len(set.Specs)), zap.Int("errors", len(set.Errors)))
}

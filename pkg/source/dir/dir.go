// Package dir watches a directory of specs.
//
// The source notices changes through fsnotify events, and through a regular rescan without events,
// so that bind mounts and network disks work too. The source watches everything that a set depends
// on: the directory and its sub-directories, the files that specs refer to in any place, every
// directory on the path to these files, and the directories of the symbolic links on the path.
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

// Decode splits a spec file into its documents and decodes them, like [spec.Decode]. A Decode must
// be safe for concurrent use.
type Decode func(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool)

// Config configures a Source.
type Config struct {
	// Dir is the directory of specs. It may be a symbolic link, and need not exist yet. Specs and
	// errors name their files relative to Dir as given here. "" means the working directory.
	Dir string
	// Settle is the quiet time before the source reads a changed directory. A tenth of the time is
	// enough after renames of files into their places within the watched directories. After the
	// rename of a single spec file the source reads at once, unless there was another read just
	// before. 0 means [DefaultSettle]. A negative value means a read at every event.
	Settle time.Duration
	// Rescan is the time between two rescans, which look at everything without any event. A rescan
	// does not delay the reads after events. 0 means [DefaultRescan]. A negative value means no
	// rescans.
	Rescan time.Duration
	// Logger receives events that are not part of a set. nil logs nothing.
	Logger *zap.Logger
	// Decode reads a spec file. nil means [spec.Decode].
	Decode Decode
	// Keys are the absolute paths of public keys. All modules must be signed by one of these keys.
	// The keys are in every set's References, and so are the signatures beside modules if there are
	// keys.
	Keys []string
}

// Source watches a directory of specs. It implements [source.Source].
type Source struct {
	dir    string // as given
	settle time.Duration
	rescan time.Duration
	log    *zap.Logger
	decode Decode
	keys   []string
	syncs  chan chan<- error // requests of Sync; each is the channel for the answer

	// Replaced by tests.
	disk   disk
	notify func() (notifier, error)
	limits limits
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New makes a Source, which does nothing before [Source.Run].
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

// Run implements [source.Source]. It always emits a first set, and another set whenever the content
// has changed. A directory that cannot be read is no error of Run: the set contains the error. Run
// may be called again after its return, but not concurrently.
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

// loop runs in the only goroutine that uses the state.
type loop struct {
	log    *zap.Logger
	state  *state
	settle settle
	dirty  dirty
	emit   func(source.Set)
	last   *source.Set

	syncs   <-chan chan<- error
	waiting []chan<- error // the requests of Sync that the next read answers

	rescans    chan *rescan // results of rescans
	rescanning bool         // a rescan is running
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
	defer l.endRescan() // ctx has ended then, which stops the rescan
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

// hear marks the paths of the new events as dirty, and reports whether any event matters.
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

// tick looks at everything and reports whether a read is due after the quiet time. A change without
// an event may be unfinished, so tick passes the change on only after a second look.
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
		return false // the pending read covers this look
	}
	if set := l.look(); l.last != nil && equal(*l.last, set) {
		return false
	}
	l.dirty.all = true
	l.settle.note(now, unfinished)
	return true
}

// endRescan waits for the running rescan, if there is one.
func (l *loop) endRescan() {
	if l.rescanning {
		<-l.rescans
	}
}

// read looks at the dirty paths and emits the set if the set has changed.
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

// report logs changes in the source's ability to watch the directory.
func (l *loop) report(set source.Set) {
	var before source.Set
	if l.last != nil {
		before = *l.last
	}
	// The set itself contains the reason of its unavailability, and the set's receiver logs the
	// reason.
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

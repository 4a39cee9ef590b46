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
	// Bounds are the places of the files that specs may name. Dir itself is always one of the
	// roots. Without other roots, its parent is a root; see [Bounds].
	Bounds spec.Bounds
	// Verify says by whom all modules must be signed, whatever their specs ask for beside. Its
	// files are in every set's References, and so are the signatures beside modules if it asks for
	// any.
	Verify spec.Verify
}

// Source watches a directory of specs. It implements [source.Source].
type Source struct {
	settings
	settle time.Duration
	rescan time.Duration
	log    *zap.Logger
	notify func() (notifier, error) // replaced by tests
	syncs  source.Requests
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New makes a Source, which does nothing before [Source.Run].
func New(c Config) *Source {
	s := &Source{
		settings: settings{
			dir:    filepath.Clean(c.Dir), // "" becomes "."
			verify: c.Verify,
			disk:   realDisk(),
			limits: defaultLimits(),
		},
		settle: c.Settle,
		rescan: c.Rescan,
		log:    c.Logger,
		notify: newFSNotify,
		syncs:  source.NewRequests(),
	}
	if s.settle == 0 {
		s.settle = DefaultSettle
	}
	if s.rescan == 0 {
		s.rescan = DefaultRescan
	}
	abs, err := filepath.Abs(s.dir)
	if err != nil {
		abs = s.dir // Run fails
	}
	s.bounds = Bounds(abs, c.Bounds)
	if c.Decode == nil {
		c.Decode = spec.Decode
	}
	s.decode = bounded(s.bounds, c.Decode)
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
		view:    newView(&s.settings, abs, w),
		quiet:   newQuietTime(s.settle),
		emit:    emit,
		syncs:   s.syncs,
		rescans: make(chan *findings, 1),
	}
	return l.run(ctx, s.rescan)
}

// Sync implements [source.Syncer]. After a quiet time of [Config.Settle], the source looks at the
// directory and at every referenced file, even without events.
func (s *Source) Sync(ctx context.Context) error { return s.syncs.Ask(ctx) }

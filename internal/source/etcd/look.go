package etcd

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// readLimit bounds the time to read one bundle. The next attempt goes on with the contents that
	// have arrived.
	readLimit = time.Minute
	// mostCompactions bounds the new looks after compactions, in turn.
	mostCompactions = 3
)

// looker looks at the bundle in etcd and on disk. Only one goroutine uses it.
type looker struct {
	cfg    Config // with its defaults
	log    *zap.Logger
	reader bundled.Reader
	client *clientv3.Client // nil: not connected yet
	plain  bool             // the log has the warning of a plain bundle
}

// look reads the head, and a new bundle. revision is etcd's at the time of the look, or 0 without
// an answer.
func (l *looker) look(ctx context.Context, st *bundled.Selection) (f bundled.Found, revision int64) {
	if l.client == nil {
		client, err := l.cfg.Etcd.Connect(ctx)
		if err != nil {
			return l.failed(st, err), 0
		}
		l.client = client
	}
	for range mostCompactions {
		snapshot, at, err := etcdspecs.Read(ctx, l.client, l.cfg.Place, l.cfg.Etcd.Keys())
		if err != nil {
			return l.failed(st, err), at
		}
		f, err = l.take(ctx, st, snapshot)
		if err == nil {
			return f, at
		}
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return l.failed(st, err), at
		}
	}
	return l.failed(st, rpctypes.ErrCompacted), 0
}

// takeEvent takes the bundle of a new head. ok is false if only a look can tell.
func (l *looker) takeEvent(ctx context.Context, st *bundled.Selection, e *clientv3.Event) (f bundled.Found, ok bool) {
	snapshot, err := etcdspecs.At(l.client, l.cfg.Place, l.cfg.Etcd.Keys(), e.Kv.Value, e.Kv.ModRevision)
	if err != nil {
		return l.failed(st, err), true
	}
	f, err = l.take(ctx, st, snapshot)
	if err != nil {
		return f, false
	}
	return f, true
}

// take reads the bundle of a snapshot, unless its digest is known.
func (l *looker) take(ctx context.Context, st *bundled.Selection, s *etcdspecs.Snapshot) (bundled.Found, error) {
	digest := s.Manifest.Digest.String()
	if st.Knows(digest) {
		return bundled.Found{Digest: digest}, nil
	}
	l.warnOfPlain(s)
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	start := time.Now()
	v, err := l.reader.Finish(ctx, s.Manifest, l.reader.Bring(ctx, st, s.Manifest, s, s.FetchAll))
	if found, broken := l.reader.Broken(digest, err); broken {
		return found, nil
	}
	if err != nil {
		return bundled.Found{}, err
	}
	if errs := v.Documents.Errors; len(errs) > 0 {
		return l.reader.Refused(digest, errs), nil
	}
	l.log.Info("specs were read from etcd", zap.String("digest", digest), zap.Int("specs", len(v.Documents.Specs)),
		zap.Int64("revision", s.Revision), zap.Duration("took", time.Since(start)))
	return bundled.Found{Digest: digest, Version: v}, nil
}

// warnOfPlain logs once that the specs in etcd are plain.
func (l *looker) warnOfPlain(s *etcdspecs.Snapshot) {
	if s.Plain && !l.plain {
		l.log.Warn("the specs in etcd are not sealed, although this server has a key",
			zap.String("hint", "push them again with --etcd-secret-key-file"))
	}
	l.plain = s.Plain
}

// failed returns the finding for a look without an answer. A lasting error keeps the first words,
// although etcd's client words each attempt differently.
func (l *looker) failed(st *bundled.Selection, err error) bundled.Found {
	e := l.worded(err)
	l.cfg.Failed(e.Code)
	if last := st.Passing(); last != nil && last.Code == e.Code {
		e = last
	}
	return bundled.Found{Errs: []*spec.Error{e}}
}

func (l *looker) worded(err error) *spec.Error {
	at := spec.Position{File: l.cfg.Place.String()}
	if e := etcdspecs.Problem(err, l.cfg.Place); e != nil {
		return e
	}
	if !isOfEtcd(err) {
		return bundled.Unfinished(err, at, "etcd")
	}
	e := *l.cfg.Etcd.Problem(err)
	if e.Pos.File == "" {
		e.Pos = at
	}
	return &e
}

// isOfEtcd says whether an error comes from etcd or from the way to etcd, and not from the contents
// or the own disk.
func isOfEtcd(err error) bool {
	var (
		worded *spec.Error
		known  rpctypes.EtcdError
	)
	_, ofGRPC := status.FromError(err)
	return ofGRPC || errors.As(err, &worded) || errors.As(err, &known) || errors.Is(err, context.DeadlineExceeded)
}

// disconnect closes the client. The next look connects again.
func (l *looker) disconnect() {
	if l.client != nil {
		_ = l.client.Close() // the client is of no use any more
		l.client = nil
	}
}

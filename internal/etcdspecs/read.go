package etcdspecs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	clientv3 "go.etcd.io/etcd/client/v3"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/seal"
)

// requestLimit bounds the time of one request to etcd.
const requestLimit = 5 * time.Second

// Snapshot is the bundle of a place at a revision of etcd. After a compaction of the revision,
// the error is rpctypes.ErrCompacted, and a new snapshot helps.
type Snapshot struct {
	// Manifest is the descriptor of the bundle's manifest.
	Manifest ocispec.Descriptor
	// Revision is etcd's revision that the snapshot reads.
	Revision int64
	// Plain says the bundle is not sealed, although there is a key.
	Plain bool

	kv    clientv3.KV
	place Place
	keys  *seal.Keys // the first one names the contents
}

// Read reads the head of a place. [ErrEmpty] means there is none. Read also returns etcd's
// revision, or 0 if etcd has not answered.
func Read(ctx context.Context, kv clientv3.KV, p Place, keys *seal.Keys) (*Snapshot, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	answer, err := kv.Get(ctx, p.head())
	if err != nil {
		return nil, 0, err
	}
	if len(answer.Kvs) == 0 {
		return nil, answer.Header.Revision, ErrEmpty
	}
	s, err := At(kv, p, keys, answer.Kvs[0].Value, answer.Header.Revision)
	return s, answer.Header.Revision, err
}

// At returns the snapshot for a value of the head at a revision.
func At(kv clientv3.KV, p Place, keys *seal.Keys, value []byte, revision int64) (*Snapshot, error) {
	text, err := keys.Open(value)
	if err != nil {
		return nil, err
	}
	of, err := keys.Of(value)
	if err != nil {
		return nil, err
	}
	manifest, err := parseHead(text)
	if err != nil {
		return nil, err
	}
	return &Snapshot{
		Manifest: manifest, Revision: revision, Plain: of.First() == "" && keys.First() != "",
		kv: kv, place: p, keys: of,
	}, nil
}

// Fetch opens a content. It implements [content.Fetcher]; the caller verifies the content.
func (s *Snapshot) Fetch(ctx context.Context, what ocispec.Descriptor) (io.ReadCloser, error) {
	var text []byte
	err := s.each(ctx, []ocispec.Descriptor{what}, func(_ ocispec.Descriptor, content []byte) error {
		text = content
		return nil
	})
	return io.NopCloser(bytes.NewReader(text)), err
}

// FetchAll copies the manifest and the entries into a store, which verifies each content. It skips
// contents that the store has.
func (s *Snapshot) FetchAll(ctx context.Context, into content.Storage, entries []bundle.Entry) error {
	if err := CheckEntries(entries); err != nil {
		return &bundle.BrokenError{Reason: err}
	}
	var missing []ocispec.Descriptor
	for _, e := range entries {
		there, err := into.Exists(ctx, e.Descriptor())
		if err != nil {
			return err
		}
		if !there {
			missing = append(missing, e.Descriptor())
		}
	}
	// The manifest comes last: a store with a manifest counts as complete.
	if there, err := into.Exists(ctx, s.Manifest); err != nil || !there {
		missing = append(missing, s.Manifest)
	}
	return s.each(ctx, missing, func(what ocispec.Descriptor, text []byte) error {
		return into.Push(ctx, what, bytes.NewReader(text))
	})
}

// each reads contents in bounded transactions, and passes each content once, in order.
func (s *Snapshot) each(ctx context.Context, contents []ocispec.Descriptor, got func(ocispec.Descriptor, []byte) error) error {
	var text []byte
	for _, batch := range batches(piecesOf(s.place, s.keys, contents)) {
		parts, err := s.get(ctx, batch)
		if err != nil {
			return err
		}
		for i, one := range batch {
			if text = append(text, parts[i]...); !one.last {
				continue
			}
			if err := got(one.of, text); err != nil {
				return err
			}
			text = nil
		}
	}
	return nil
}

// get reads pieces in one transaction.
func (s *Snapshot) get(ctx context.Context, batch []piece) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var ops []clientv3.Op
	for _, one := range batch {
		ops = append(ops, clientv3.OpGet(one.key, clientv3.WithRev(s.Revision)))
	}
	answer, err := s.kv.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return nil, err
	}
	parts := make([][]byte, len(batch))
	for i, one := range batch {
		found := answer.Responses[i].GetResponseRange().GetKvs()
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: %s", errMissing, one.of.Digest)
		}
		if parts[i], err = openPiece(s.keys, one, found[0].Value); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// openPiece opens the seal of a piece, and checks its size.
func openPiece(keys *seal.Keys, one piece, value []byte) ([]byte, error) {
	if int64(len(value)) > one.size()+maxSealing {
		return nil, fmt.Errorf("%w: %s has another size", errDamaged, one.of.Digest)
	}
	text, err := keys.Open(value)
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) != one.size():
		return nil, fmt.Errorf("%w: %s has another size", errDamaged, one.of.Digest)
	}
	return text, nil
}

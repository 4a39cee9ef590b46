package etcdspecs

import (
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The codes of errors of a place, in addition to those of etcd itself.
const (
	CodeEmpty  = "etcd_empty"  // no bundle is there
	CodeSealed = "etcd_sealed" // no key for the bundle
	CodeNewer  = "etcd_newer"  // the bundle has the format of a newer version
	CodeLost   = "etcd_lost"   // another push has begun meanwhile
	CodeBusy   = "etcd_busy"   // another push is under way
)

// ErrEmpty means no bundle is at a place.
var ErrEmpty = errors.New("no bundle is there")

var (
	errNewer   = errors.New("the head has the format of a newer version")
	errMissing = errors.New("a content is missing in etcd")
	errDamaged = errors.New("a content in etcd is damaged")
	errLost    = errors.New("another push has begun meanwhile")
	errBusy    = errors.New("another push is under way")
)

// Problem words an error of this package, or returns nil for another error, like etcd's own.
func Problem(err error, p Place) *spec.Error {
	e := &spec.Error{Pos: spec.Position{File: p.String()}}
	var locked *seal.LockedError
	switch {
	case errors.Is(err, ErrEmpty):
		e.Code, e.Message = CodeEmpty, "etcd has no specs there"
		e.Hint = "push a directory: wasm-xds push DIR " + p.String()
	case errors.Is(err, errNewer):
		e.Code, e.Message = CodeNewer, "a newer wasm-xds has pushed the specs"
		e.Hint = "upgrade this one, or push again with this version"
	case errors.As(err, &locked), errors.Is(err, seal.ErrDamaged):
		e.Code, e.Message = CodeSealed, "the specs in etcd cannot be opened: "+err.Error()
		e.Hint = "give the keys of the push with --etcd-secret-key-file, or push again with the keys of here"
	case errors.Is(err, errLost):
		e.Code, e.Message = CodeLost, "the push took so long that another one could begin; the specs in etcd are as they were"
		e.Hint = "push again"
	case errors.Is(err, errBusy):
		e.Code, e.Message = CodeBusy, "another push is under way and does not end; nothing was changed"
		e.Hint = fmt.Sprintf("push again later; a push that was killed ends after %d seconds", lockTTL)
	default:
		return nil
	}
	return e
}

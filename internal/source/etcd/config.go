package etcd

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// DefaultRefresh is the default of [Config.Refresh].
const DefaultRefresh = 5 * time.Second

// Config configures a Source.
type Config struct {
	Place etcdspecs.Place // required
	Etcd  Etcd            // required
	// Dir is the directory for the last good bundle, created if necessary. Required. No other
	// source or process may use the directory.
	Dir string
	// Refresh is the time between two looks at the head, plus or minus a tenth. A change is seen at
	// once without them: the looks tell whether etcd is there, and find a change if a watch is
	// lost. 0 means [DefaultRefresh].
	Refresh time.Duration
	// Logger receives events that are not part of a set. nil logs nothing.
	Logger *zap.Logger
	// Decode parses a spec file. nil means [spec.Decode].
	Decode bundle.Decode
	// Failed is called with the code of each failed look. nil means no call.
	Failed func(code string)
}

// Etcd is the way to etcd.
type Etcd interface {
	// Connect makes a client. The source closes the client.
	Connect(ctx context.Context) (*clientv3.Client, error)
	// Keys open sealed contents. nil opens only plain contents.
	Keys() *seal.Keys
	// Problem words an error of a client.
	Problem(err error) *spec.Error
}

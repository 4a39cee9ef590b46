package etcdclient

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wasm-xds/wasm-xds/internal/seal"
)

const (
	// dialTimeout bounds the first answer for the password of a user.
	dialTimeout = 5 * time.Second
	// keepAlive is the time after which a silent connection is asked for a sign of life. A member
	// allows a question every five seconds.
	keepAlive        = 6 * time.Second
	keepAliveTimeout = 3 * time.Second
	// mostPause is the longest pause between two tries to connect to a member. gRPC's own limit is
	// two minutes, so a cluster that is back would stay unseen for as long.
	mostPause = 2 * time.Second
	// MostRequest is the size limit of a request, in bytes: etcd's own, without room for keys.
	MostRequest = 1400 << 10
	// mostAnswer bounds the memory for an answer. A reader asks for pages.
	mostAnswer = 64 << 20
)

// Access is the way to an etcd, with the files read. Any goroutine may call the methods.
type Access struct {
	config     Config
	addresses  []string
	handshakes *handshakes // nil: no TLS
	keys       *seal.Keys  // nil: contents are plain
	log        *zap.Logger

	failure failure

	mu       sync.Mutex
	password string // the last good one
	problem  string // the last one logged about a file
}

// Open checks the configuration and reads its files. It connects to nothing. The error is a
// spec.Error.
func Open(c Config, log *zap.Logger) (*Access, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	a := &Access{config: c, log: log}
	var err error
	if a.addresses, err = c.addresses(); err != nil {
		return nil, err
	}
	if isTLS(a.addresses) {
		if a.handshakes, err = openHandshakes(c, a.fileFailed, a.failure.note); err != nil {
			return nil, err
		}
	}
	if c.User != "" {
		var public bool
		if a.password, public, err = readPassword(c.PasswordFile); err != nil {
			return nil, err
		}
		a.warnOfMode(public, c.PasswordFile)
		if a.handshakes == nil {
			log.Warn("the password of etcd's user goes over the network in plain text", zap.String("hint", "let etcd speak TLS, and name its CA with --etcd-ca-file"))
		}
	}
	var public bool
	if a.keys, public, err = readKeys(c.SecretKeyFile); err != nil {
		return nil, err
	}
	a.warnOfMode(public, c.SecretKeyFile)
	return a, nil
}

func (a *Access) warnOfMode(public bool, path string) {
	if public {
		a.log.Warn("users other than the owner can use a secret for etcd", zap.String("file", path), zap.String("hint", "chmod 0600"))
	}
}

// Prefix begins all keys, without a slash at the end.
func (a *Access) Prefix() string { return a.config.prefix() }

// Endpoints names the members, for messages.
func (a *Access) Endpoints() string { return strings.Join(a.addresses, ",") }

// Keys seal and open contents; nil: contents are plain.
func (a *Access) Keys() *seal.Keys { return a.keys }

// Connect makes a client. Without a user, Connect waits for nothing: the client connects by itself,
// and again after each loss. With a user, Connect waits for etcd's answer to the password, for five
// seconds at most. The caller must close the client, which outlives ctx.
func (a *Access) Connect(ctx context.Context) (*clientv3.Client, error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	client, err := clientv3.New(a.clientConfig(life))
	if err != nil {
		end()
		return nil, err
	}
	if !stop() {
		_ = client.Close() // ctx has ended it already
		return nil, ctx.Err()
	}
	return client, nil
}

func (a *Access) clientConfig(life context.Context) clientv3.Config {
	transport := insecure.NewCredentials()
	if a.handshakes != nil {
		transport = a.handshakes
	}
	pauses := backoff.DefaultConfig
	pauses.BaseDelay, pauses.MaxDelay = mostPause/10, mostPause
	c := clientv3.Config{
		Endpoints: a.addresses, Context: life, DialTimeout: dialTimeout,
		DialKeepAliveTime: keepAlive, DialKeepAliveTimeout: keepAliveTimeout,
		MaxCallSendMsgSize: 2 << 20, MaxCallRecvMsgSize: mostAnswer,
		// The library logs each of its retries. The caller reports what concerns a user.
		Logger: zap.NewNop(),
		DialOptions: []grpc.DialOption{
			grpc.WithTransportCredentials(transport),
			grpc.WithContextDialer(a.dial),
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: dialTimeout}),
		},
	}
	if a.config.User != "" {
		c.Username, c.Password = a.config.User, a.currentPassword()
	}
	return c
}

// currentPassword reads the password again.
func (a *Access) currentPassword() string {
	password, _, err := readPassword(a.config.PasswordFile)
	if err != nil {
		a.fileFailed(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.password = password
	}
	return a.password
}

// fileFailed logs each problem of a file once.
func (a *Access) fileFailed(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if text := err.Error(); text != a.problem {
		a.problem = text
		a.log.Error("a file for etcd cannot be used, and its last good content stays", zap.Error(err))
	}
}

// dial connects to a member.
func (a *Access) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil || a.handshakes == nil {
		a.failure.note(err)
	}
	return conn, err
}

// failure is the newest reason for which no member could be reached. A call that waits for a
// connection ends with its time limit alone. failure is safe for concurrent use.
type failure struct{ last atomic.Pointer[error] }

// note takes the outcome of a connection.
func (f *failure) note(err error) {
	if err == nil {
		f.last.Store(nil)
	} else if !errors.Is(err, context.Canceled) {
		f.last.Store(&err)
	}
}

// err is the reason; nil: the last connection was made.
func (f *failure) err() error {
	if err := f.last.Load(); err != nil {
		return *err
	}
	return nil
}

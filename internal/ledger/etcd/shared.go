package etcd

import (
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// Config configures a ledger.
type Config struct {
	Access  *etcdclient.Access
	Replica string // the name of this replica, which no other replica has
	// Life is how long the lease outlives a replica that is gone: then another one leads. 0 means
	// [DefaultLife]. etcd rounds to seconds.
	Life   time.Duration
	Logger *zap.Logger
}

// DefaultLife is long enough for a pause of the machine, and for the election of etcd's own leader.
const DefaultLife = 10 * time.Second

const (
	// answerLimit bounds the wait for an answer of etcd. The election of a leader among its members
	// takes about a second.
	answerLimit = 3 * time.Second
	// lookEvery is the time between two looks whether etcd answers.
	lookEvery = 2 * time.Second
)

// shared is what the parts of a ledger share.
type shared struct {
	cfg   Config
	keys  keys
	log   *zap.Logger
	queue *queue

	// The owner of the mirror is Run's goroutine. It changes the mirror under the queue's lock, so
	// that a writer may read the mirror under this lock.
	mirror *mirror

	answered chan struct{} // has a value while answers wait
	mu       sync.Mutex
	answers  []ledger.Event
}

// answer hands an event to the goroutine that tells.
func (l *shared) answer(e ledger.Event) {
	l.mu.Lock()
	l.answers = append(l.answers, e)
	l.mu.Unlock()
	select {
	case l.answered <- struct{}{}:
	default:
	}
}

// takeAnswers returns the events that wait.
func (l *shared) takeAnswers() []ledger.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.answers
	l.answers = nil
	return all
}

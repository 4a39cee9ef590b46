package delivery

import (
	"cmp"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Config is a machine's policy. A zero duration or limit means the default named beside the field.
type Config struct {
	// Epoch makes this process's salts differ from those of every earlier process.
	Epoch uint32
	// Replica is the name of this server among those that share the fleet's decisions, see package
	// ledger; "": the server decides alone. With a name, decisions come as [FromLedger].
	Replica string
	// Substitutes makes the stand-ins. Required.
	Substitutes Substitutes
	// CanaryWait is how long a subscriber that runs nothing waits for the canary of a new filter
	// before the subscriber gets a stand-in: 2 s.
	CanaryWait time.Duration
	// CanaryPause is how long a lost canary may take to come back before the machine chooses
	// another: 30 s, the longest pause of Envoy before a new connection.
	CanaryPause time.Duration
	// FetchWait is how long after the NACK of a remote push the GET may take to begin: 3 s.
	FetchWait time.Duration
	// FetchPause is the pause between the last byte of a GET and the second push, if nothing shows
	// the code to be in Envoy's cache: 5 ms, and a millisecond more for every 100 KB of the module.
	FetchPause time.Duration
	// FetchLimit is how long a GET may take before the code goes inline: 2 min.
	FetchLimit time.Duration
	// AckWait is how long an answer may take before the subscriber is flagged: 30 s.
	AckWait time.Duration
	// RemoteLimit is the size from which Envoy's fetcher gives up: 32 MiB.
	RemoteLimit int64
	// ForgetRemoved is how long the machine keeps a removed filter after the last stream has
	// stopped asking for the filter; 0: for ever. A filter that never loaded on any Envoy is not
	// kept at all.
	ForgetRemoved time.Duration
	// UnknownNames is how many names without a spec all streams together may ask for: 20,000. A
	// name counts once for each stream. UnknownBytes bounds the bytes of these names: 4 MiB.
	UnknownNames, UnknownBytes int
	// Window is how many resources may be outstanding on a stream, if all of them are known to
	// load: 64. Resources that the Envoy runs already do not count.
	Window int
}

func (c Config) withDefaults() Config {
	c.CanaryWait = cmp.Or(c.CanaryWait, 2*time.Second)
	c.CanaryPause = cmp.Or(c.CanaryPause, 30*time.Second)
	c.FetchWait = cmp.Or(c.FetchWait, 3*time.Second)
	c.FetchPause = cmp.Or(c.FetchPause, 5*time.Millisecond)
	c.FetchLimit = cmp.Or(c.FetchLimit, 2*time.Minute)
	c.AckWait = cmp.Or(c.AckWait, 30*time.Second)
	c.RemoteLimit = cmp.Or(c.RemoteLimit, 32<<20)
	c.Window = cmp.Or(c.Window, 64)
	c.UnknownNames = cmp.Or(c.UnknownNames, 20_000)
	c.UnknownBytes = cmp.Or(c.UnknownBytes, 4<<20)
	return c
}

// Substitutes makes the built-in stand-ins. All methods are pure.
type Substitutes interface {
	Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision
	Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision
	// Known is the stand-in some release has made under that ID, with any reason; nil: no release
	// has. The stand-in cannot be sent again, because the module is not known.
	Known(filter, runtime, id string) *snapshot.Revision
}

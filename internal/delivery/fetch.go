package delivery

import (
	"fmt"
	"time"
)

// remoteAttempts is the number of pushes of remote code before the code goes inline.
const remoteAttempts = 3

// fetchPausePerByte is a millisecond for 100 KB: Envoy hashes the bytes before they enter its
// cache.
const fetchPausePerByte = 10 * time.Nanosecond

// fetch is a remote delivery under way: pushes of remote code, with Envoy's GET between them. The
// token of the newest push names it.
type fetch struct {
	revision string
	attempts int // pushes so far
	token    string
	refused  bool // the push was NACKed: the GET decides
	started  bool
	finished bool
	failed   bool
	taken    bool // the Envoy closed the connection after the GET: the code is in Envoy's cache
	deadline time.Time
	retryAt  time.Time
}

// begin notes that the GET has begun.
func (f *fetch) begin(deadline time.Time) {
	f.started, f.finished, f.failed, f.taken = true, false, false, false
	f.deadline = deadline
}

// end notes that the GET has ended. pause is the pause before the next push.
func (f *fetch) end(complete, taken bool, now time.Time, pause func() time.Duration) {
	f.finished, f.failed, f.taken = true, !complete, taken
	if complete && f.refused {
		f.retryAt = now.Add(pause())
	}
}

// nack notes that Envoy has refused the push, and until when the GET is waited for.
func (f *fetch) nack(cfg *Config, unreached bool, now time.Time, pause func() time.Duration) {
	f.refused = true
	if f.finished && !f.failed {
		f.retryAt = now.Add(pause())
	}
	switch {
	case f.started:
		f.deadline = now.Add(cfg.FetchLimit)
	case f.attempts > 1:
		// Envoy's connection to the module server is up: a GET would follow at once.
		f.deadline = now.Add(cfg.FetchWait / 6)
	case unreached:
		f.deadline = now.Add(cfg.FetchWait / probeShare)
	default:
		f.deadline = now.Add(cfg.FetchWait)
	}
}

// probeShare of Config.FetchWait is how long a probe waits for a GET: half a second.
const probeShare = 6

// pause is the pause before the next push of a module of that size. There is none if Envoy has
// closed the connection, because Envoy does so once the code is in its cache. After a push that
// came too early, the pause is longer: behind a proxy the bytes travel for longer than the server
// can tell.
func (f *fetch) pause(cfg *Config, size int64) time.Duration {
	if f.taken && f.attempts == 1 {
		return 0
	}
	wait := cfg.FetchPause + time.Duration(size)*fetchPausePerByte
	if f.attempts > 1 {
		return 10 * wait
	}
	return wait
}

// fetchStep is the next step of a remote delivery.
type fetchStep uint8

const (
	fetchAnswer   fetchStep = iota // wait for the answer to the push
	fetchWait                      // wait for the GET, or for its bytes to enter Envoy's cache
	fetchPush                      // push remote code again
	fetchInline                    // push inline code, and tell the reason
	fetchUnloaded                  // push inline code: the remote code was there and does not load
	fetchNoGET                     // push inline code: no GET came
)

// next is the next step at that time. until is the end of a wait, and reason is for a status.
func (f *fetch) next(now time.Time) (step fetchStep, until time.Time, reason string) {
	switch {
	case !f.refused:
		return fetchAnswer, until, ""
	case f.failed:
		return fetchInline, until, "the GET of the module broke"
	case f.attempts >= remoteAttempts:
		return fetchInline, until, fmt.Sprintf("Envoy did not have the module after %d pushes", f.attempts)
	case !f.retryAt.IsZero():
		if now.Before(f.retryAt) {
			return fetchWait, f.retryAt, ""
		}
		return fetchPush, until, ""
	case now.Before(f.deadline):
		return fetchWait, f.deadline, ""
	case f.started:
		return fetchInline, until, "the GET of the module took too long"
	case f.attempts > 1:
		return fetchUnloaded, until, ""
	default:
		return fetchNoGET, until, ""
	}
}

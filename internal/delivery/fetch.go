package delivery

import (
	"fmt"
	"time"
)

// remoteRefused handles the NACK of a remote push: the code was not in Envoy's cache, or was there
// and does not load. A GET tells the two apart.
// See docs/RATIONALE.md#why-is-a-nack-of-remote-code-no-verdict.
func (m *Machine) remoteRefused(p *push, raw string) {
	u := p.u
	message := redact(raw, p.rev)
	t := expectedType(raw)
	another := !p.replay && t != "" && t != p.rev.Type
	if !another {
		m.report(p, message, false)
	}
	u.dirty = true
	if p.replay {
		// Envoy looked at identical bytes after all: it had lost its config.
		u.replay = false
		u.setAccepted(Version{}, nil)
		return
	}
	if another {
		m.endFetch(u)
		m.wrongType(u, p, message)
		return
	}
	f := u.fetch()
	if f == nil || f.token != p.version.Salt {
		return // another revision is wanted by now
	}
	f.refused = true
	if f.finished && !f.failed {
		f.retryAt = m.now.Add(m.fetchSettle(u))
	}
	switch {
	case f.started:
		f.deadline = m.now.Add(m.cfg.FetchLimit)
	case f.attempts > 1:
		// Envoy's connection to the module server is up: a GET would follow at once.
		f.deadline = m.now.Add(m.cfg.FetchWait / 6)
	case m.withoutModules(u):
		f.deadline = m.now.Add(m.cfg.FetchWait / probeShare)
	default:
		f.deadline = m.now.Add(m.cfg.FetchWait)
	}
}

// fetchIsOver says whether the remote delivery under way needs a push now: the second remote push,
// or inline code.
func (m *Machine) fetchIsOver(u *sub) bool {
	f := u.fetch()
	if !f.refused {
		return false // the answer is still to come
	}
	switch {
	case f.failed:
		m.fallBack(u, "the GET of the module broke")
	case f.attempts >= remoteAttempts:
		m.fallBack(u, fmt.Sprintf("Envoy did not have the module after %d pushes", f.attempts))
	case !f.retryAt.IsZero():
		if m.now.Before(f.retryAt) {
			u.setState(m, Fetching, nil)
			m.wakeSub(u, f.retryAt)
			return false
		}
	case m.now.Before(f.deadline):
		u.setState(m, Fetching, nil)
		m.wakeSub(u, f.deadline)
		return false
	case f.started:
		m.fallBack(u, "the GET of the module took too long")
	case f.attempts > 1:
		// The module is in Envoy's cache and does not load. An inline push brings the verdict.
		m.noRemoteHere(u)
	default:
		m.noGET(u)
	}
	return true
}

func (m *Machine) noRemoteHere(u *sub) {
	if r := u.f.revision(u.fetch().revision); r != nil {
		u.note().noRemote = r.Module.SHA256
	}
	m.endFetch(u)
}

// endFetch forgets a remote delivery, whatever its outcome.
func (m *Machine) endFetch(u *sub) {
	if f := u.fetch(); f != nil {
		delete(m.tokens, f.token)
		u.rare.fetch = nil
	}
}

// fetchOf finds the subscriber with the token's delivery; nil: the delivery is over.
func (m *Machine) fetchOf(token string) *sub {
	u := m.tokens[token]
	if u == nil || u.closed || u.fetch() == nil || u.fetch().token != token {
		return nil
	}
	return u
}

// fallBack has the code sent inline, and notes the reason.
func (m *Machine) fallBack(u *sub, reason string) {
	u.note().fellBack = &Problem{
		Code: CodeFetchFailed, Revision: u.fetch().revision,
		Message: reason + "; it was sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address",
	}
	m.noRemoteHere(u)
}

// fetchSettle is the pause before the next push. There is none if Envoy has closed the connection,
// because Envoy does so once the code is in its cache. After a push that came too early, the pause
// is longer: behind a proxy the bytes travel for longer than the server can tell.
func (m *Machine) fetchSettle(u *sub) time.Duration {
	if u.fetch().taken && u.fetch().attempts == 1 {
		return 0
	}
	wait := m.cfg.FetchSettle
	if r := u.f.revision(u.fetch().revision); r != nil {
		wait += time.Duration(r.Module.Size) * fetchSettlePerByte
	}
	if u.fetch().attempts > 1 {
		return 10 * wait
	}
	return wait
}

// fetchSettlePerByte is a millisecond for 100 KB: Envoy hashes the bytes before they enter its
// cache.
const fetchSettlePerByte = 10 * time.Nanosecond

func (m *Machine) fetchStarted(token string) {
	u := m.fetchOf(token)
	if u == nil {
		if key, late := m.reach.Late(token); late {
			m.gotFrom(key)
		}
		return
	}
	m.gotFrom(u.s.node.reachKey())
	u.fetch().started, u.fetch().finished, u.fetch().failed, u.fetch().taken = true, false, false, false
	u.fetch().deadline = m.now.Add(m.cfg.FetchLimit)
	m.touch(u)
}

func (m *Machine) fetchFinished(e FetchFinished) {
	u := m.fetchOf(e.Token)
	if u == nil {
		return
	}
	u.fetch().finished, u.fetch().failed, u.fetch().taken = true, !e.Complete, e.Taken
	if e.Complete && u.fetch().refused {
		u.fetch().retryAt = m.now.Add(m.fetchSettle(u))
	}
	m.touch(u)
}

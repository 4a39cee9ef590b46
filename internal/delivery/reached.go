package delivery

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery/reach"
)

// probeShare of Config.FetchWait is how long a probe waits for a GET: half a second.
const probeShare = 6

func (n Node) reachKey() reach.Envoy {
	host := n.Address
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return reach.Envoy{Node: n.ID, Host: host}
}

// unreachedProblem is the problem of an unreached Envoy and of its filters.
func unreachedProblem() *Problem {
	return &Problem{
		Code:    CodeFetchFailed,
		Message: "no GET for a module arrives from this Envoy; modules are sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
	}
}

// withoutModules says whether the subscriber's Envoy does not reach the module server.
func (m *Machine) withoutModules(u *sub) bool {
	if !m.reach.Any() {
		return false
	}
	_, unreached := m.reach.Since(u.s.node.reachKey())
	return unreached
}

// noGET notes that no GET came for the subscriber's remote push.
func (m *Machine) noGET(u *sub) {
	u.note().noGET = u.fetch().token
	m.reach.Missed(u.s.node.reachKey(), u.fetch().token)
	m.noRemoteHere(u)
}

// loadedInline is called for each accepted inline push.
func (m *Machine) loadedInline(u *sub) {
	token := u.get().noGET
	if token == "" {
		return
	}
	u.rare.noGET = ""
	if key := u.s.node.reachKey(); m.reach.Loaded(key, token, m.now) {
		m.reachChanged(key, u.s.node, false)
	}
}

// forgetMissed ends the wait after a missed GET: the code was refused inline, or the subscriber is
// gone.
func (m *Machine) forgetMissed(u *sub) {
	if token := u.get().noGET; token != "" {
		u.rare.noGET = ""
		m.reach.GaveUp(token)
	}
}

// gotFrom notes a GET of an Envoy.
func (m *Machine) gotFrom(key reach.Envoy) {
	if m.reach.Got(key) {
		m.reachChanged(key, Node{ID: key.Node, Address: key.Host}, true)
	}
}

// reachChanged reports the change and looks at the Envoy's subscribers: their status may differ.
func (m *Machine) reachChanged(key reach.Envoy, n Node, reached bool) {
	m.actions = append(m.actions, ModulesReached{Node: n, Reached: reached})
	for _, id := range sortedKeys(m.streams) {
		if s := m.streams[id]; s.node.reachKey() == key {
			for _, u := range s.subs {
				m.touch(u)
			}
		}
	}
}

// Unreached is the number of connected Envoys that do not reach the module server.
func (m *Machine) Unreached() int {
	if !m.reach.Any() {
		return 0
	}
	there := map[reach.Envoy]struct{}{}
	for _, s := range m.streams {
		key := s.node.reachKey()
		if _, unreached := m.reach.Since(key); unreached {
			there[key] = struct{}{}
		}
	}
	return len(there)
}

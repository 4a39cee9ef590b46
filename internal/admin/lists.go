package admin

import "github.com/wasm-xds/wasm-xds/internal/api"

// lists answers the requests for whole lists and for the state of the server.
type lists struct{ state State }

func (l lists) nodes(q query) any {
	nodes := []api.Node{}
	for _, n := range l.state.Nodes() {
		if n = completeNode(n); q.takesNode(&n) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (l lists) snapshot(query) any {
	now := l.state.Snapshot()
	if now.Filters == nil {
		now.Filters = map[string]string{}
	}
	return now
}

func (l lists) source(query) any {
	now := l.state.Source()
	now.Errors, now.Sources = notNull(now.Errors), notNull(now.Sources)
	return now
}

func (l lists) visitors(query) any { return notNull(l.state.Visitors()) }

func (l lists) limits(query) any { return notNull(l.state.Limits()) }

func (l lists) webhooks(query) any     { return notNull(l.state.Webhooks()) }
func (l lists) certificates(query) any { return notNull(l.state.Certificates()) }

func (l lists) tokens(query) any { return l.state.Tokens() }

func (l lists) identity(query) any {
	now := l.state.Identity()
	now.Refusals = notNull(now.Refusals)
	return now
}

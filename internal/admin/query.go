package admin

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// query are the conditions of a request: a value must be among a parameter's words.
type query map[string][]string

// parameters are the parameters of a list, each with its known words; nil: any word.
type parameters map[string][]string

// The words of the parameter subscribers. Without the parameter, a filter has its subscribers.
const (
	subscribersAll  = "all"
	subscribersNone = "none"
)

var (
	filterParameters = parameters{
		"name": nil, "node": nil, "cluster": nil, "type": {string(spec.HTTP), string(spec.Network), string(spec.Service)},
		"state":       words(api.FilterActive, api.FilterRejected, api.FilterRemoved, api.FilterUnknown, api.FilterPreparing),
		"condition":   words(api.ConditionLive, api.ConditionProgressing, api.ConditionFailing, api.ConditionNoEnvoy, api.ConditionEnvoysGone),
		"subscribers": {subscribersAll, subscribersNone},
	}
	nodeParameters = parameters{
		"node": nil, "cluster": nil, "envoy": nil, "filter": nil, "mode": {"ads-delta", "ads-sotw", "ecds-delta", "ecds-sotw"},
		"state": words(api.NodeConnected, api.NodeGone),
	}
	diffParameters  = parameters{"from": nil, "to": nil}
	eventParameters = parameters{"type": words(api.EventTypes()...), "name": nil}
)

func words[T ~string](all ...T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

// parse reads a request's parameters: a=x,y and a=x&a=y both mean x or y.
func (p parameters) parse(values url.Values) (query, *api.Error) {
	q := query{}
	for name, texts := range values {
		known, ok := p[name]
		if !ok {
			return nil, p.unknown(name)
		}
		for _, word := range strings.Split(strings.Join(texts, ","), ",") {
			if known != nil && !slices.Contains(known, word) {
				return nil, &api.Error{
					Code: api.CodeBadRequest, Message: fmt.Sprintf("%s=%q is not known", name, word), Hint: name + " is one of " + strings.Join(known, ", "),
				}
			}
			q[name] = append(q[name], word)
		}
	}
	return q, nil
}

func (p parameters) unknown(name string) *api.Error {
	names := slices.Sorted(maps.Keys(p))
	e := &api.Error{Code: api.CodeBadRequest, Message: fmt.Sprintf("there is no parameter %q here", name), Hint: "there are " + strings.Join(names, ", ")}
	if len(names) == 0 {
		e.Hint = "there are none: ask without"
	} else if near := spec.Nearest(name, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q? There are %s", near, strings.Join(names, ", "))
	}
	return e
}

// one returns the last value of a parameter; "": none.
func (q query) one(name string) string {
	if values := q[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// takes says whether a value meets the condition with this name. Without a condition, any value
// does.
func (q query) takes(name, value string) bool {
	wanted, ok := q[name]
	return !ok || slices.Contains(wanted, value)
}

func (q query) takesFilter(f *api.Filter) bool {
	if !q.takes("name", f.Name) || !q.takes("type", f.Type) || !q.takes("state", string(f.State)) || !q.takes("condition", string(f.Condition)) {
		return false
	}
	if q["node"] == nil && q["cluster"] == nil {
		return true
	}
	return slices.ContainsFunc(f.Subscribers, func(s api.Subscriber) bool {
		return s.State != api.SubscriberGone && q.takes("node", s.Node) && q.takes("cluster", s.Cluster)
	})
}

// withoutSubscribers says whether the filters are to have no subscribers, as for an overview of a
// large fleet.
func (q query) withoutSubscribers() bool {
	return q["subscribers"] != nil && !q.takes("subscribers", subscribersAll)
}

func (q query) takesNode(n *api.Node) bool {
	if _, asked := q["state"]; !asked && n.State == api.NodeGone {
		return false // older versions listed only streams
	}
	return q.takes("node", n.ID) && q.takes("cluster", n.Cluster) && q.takes("envoy", n.Envoy) && q.takes("mode", n.Mode) &&
		q.takes("state", string(n.State)) &&
		(q["filter"] == nil || slices.ContainsFunc(n.Filters, func(f api.NodeFilter) bool { return q.takes("filter", f.Name) }))
}

func (q query) takesEvent(e *api.Event) bool {
	return q.takes("type", string(e.Type)) && q.takes("name", e.Name)
}

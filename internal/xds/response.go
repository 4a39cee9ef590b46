package xds

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// response is a response from delivery, with its resources built: one or several.
type response struct {
	name      string // of the first resource: delivery's name for the response
	resources []*wire.Resource
	pushed    []subscription.Pushed // SotW: the name and the version of each resource
	more      bool                  // SotW: more responses follow at once
}

// newResponse makes a response with an empty list of resources. A delta response needs no versions.
func newResponse(empty []*wire.Resource, isDelta, more bool) response {
	r := response{resources: empty, more: more}
	if !isDelta {
		r.pushed = make([]subscription.Pushed, 0, cap(empty))
	}
	return r
}

// add adds a resource.
func (r *response) add(one delivery.Resource, resource *wire.Resource) {
	if len(r.resources) == 0 {
		r.name = one.Name
	}
	r.resources = append(r.resources, resource)
	if r.pushed != nil {
		r.pushed = append(r.pushed, subscription.Pushed{Name: one.Name, Version: one.Version.Pack()})
	}
}

// unanswered is a response on the wire. The client answers under the nonce. The zero value is none.
type unanswered struct {
	nonce string
	name  string // see response
}

// answeredBy says whether a request with that nonce answers the response.
func (u unanswered) answeredBy(nonce string) bool { return u.nonce != "" && u.nonce == nonce }

// fewResponses is the room for responses in a list that is empty.
const fewResponses = 2

// shrink frees the memory of a list that was long and is empty.
func shrink[T any](list []T) []T {
	if len(list) == 0 && cap(list) > fewResponses {
		return nil
	}
	return list
}

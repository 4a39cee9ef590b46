package xds

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// response is a response from delivery, with its resources built: one or several.
type response struct {
	resources []*wire.Resource
	pushed    []subscription.Pushed // the name and the version of each resource
	more      bool                  // SotW: more responses follow at once
}

// add adds a resource.
func (r *response) add(one delivery.Resource, resource *wire.Resource) {
	r.resources = append(r.resources, resource)
	r.pushed = append(r.pushed, subscription.Pushed{Name: one.Name, Version: one.Version.Pack()})
}

// name tells the response from the stream's other unanswered responses: the first resource's name.
func (r *response) name() string { return r.pushed[0].Name }

// unanswered is a response on the wire. The client answers under the nonce. The zero value is none.
type unanswered struct {
	nonce string
	name  string // see [response.name]
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

package xds

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// carries is the variant of a resource, or the name of the stand-in.
func carries(r delivery.Resource) string {
	switch {
	case !r.Revision.BuiltIn:
		return r.Version.Variant.String()
	case r.Revision.Policy == spec.Open:
		return delivery.ServingPassthrough.String()
	default:
		return delivery.ServingDeny.String()
	}
}

// tally counts the resources of a response, equal variants together. The zero value is empty.
type tally struct {
	variant          string
	resources, bytes int
}

func (t *tally) add(count func(string, int, int), variant string, bytes int) {
	if t.variant != variant {
		t.flush(count)
		t.variant = variant
	}
	t.resources++
	t.bytes += bytes
}

func (t *tally) flush(count func(string, int, int)) {
	if count != nil && t.resources > 0 {
		count(t.variant, t.resources, t.bytes)
	}
	*t = tally{}
}

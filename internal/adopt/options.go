package adopt

import (
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Options name the filters to add, and their places.
type Options struct {
	// Filters are added to the chains, in this order.
	Filters []Filter
	// TakeOut says which static Wasm filters become specs, by name; the others stay as they are.
	// nil: all.
	TakeOut func(name string) bool
	// Before is the filter behind the new filters: a name, or a type without the prefix. "" means
	// the router of an HTTP chain, and the last filter of a network chain.
	Before string
	// Listeners are the names of the listeners to change. nil: all.
	Listeners []string
	// Bootstrap has the addresses, the timeout, TLS, and the identity of an Envoy without an id.
	// The empty Mode means a stream for all filters together, or a stream for each filter if
	// another control plane has the ADS stream.
	Bootstrap bootstrap.Options
	// Stats has the Envoy report its stats, and the requests that fail because a filter traps.
	Stats bool
	// Specs are the existing specs, by name.
	Specs map[string]spec.Type
}

// Filter is a filter to add.
type Filter struct {
	Name string
	// Type is the chain for the filter. "" means the type of the spec with this name, and without a
	// spec http, unless the file has only network filters.
	Type spec.Type
}

// Input is the configuration to change.
type Input struct {
	Config *envoyconfig.Config
	// File is the file to edit: the bootstrap, or a file with listeners.
	File *envoyconfig.File
	// ListenersOnly marks a file for Envoy's LDS: the clusters are elsewhere.
	ListenersOnly bool
}

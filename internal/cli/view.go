package cli

import (
	"context"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
)

// view has the answers of a server at one time.
type view struct {
	filters []api.Filter
	one     bool // view of a single filter, without the fields below
	source  api.Source
	limits  []api.Limit // for which streams were ended
	// visitors are the hosts that spoke another protocol than a port does.
	visitors []api.Visitor
}

// ask asks for a filter, or with "" for all filters and the source.
func ask(ctx context.Context, server apiclient.Client, name string) (*view, error) {
	if name != "" {
		f, err := server.Filter(ctx, name)
		if err != nil {
			return nil, err
		}
		return &view{filters: []api.Filter{*f}, one: true}, nil
	}
	v := &view{}
	var err error
	if v.filters, err = server.Filters(ctx); err != nil {
		return nil, err
	}
	if v.source, err = server.Source(ctx); err != nil {
		return nil, err
	}
	if v.visitors, err = server.Visitors(ctx); err != nil {
		return nil, err
	}
	v.limits, err = server.Limits(ctx)
	return v, err
}

// troubled says whether any filter or source needs a look.
func (v *view) troubled() bool {
	if !v.one && (v.source.Error != nil || len(v.source.Errors) > 0) {
		return true
	}
	for i := range v.filters {
		f := &v.filters[i]
		if f.Error != nil || f.State == api.FilterRejected || f.State == api.FilterUnknown {
			return true
		}
		for j := range f.Subscribers {
			if s := &f.Subscribers[j]; s.State != api.SubscriberGone && !s.Warns() && (s.Error != nil || s.State == api.SubscriberRejected) {
				return true
			}
		}
	}
	return false
}

// live says whether there are filters, and all of them run on an Envoy without a problem.
func (v *view) live() bool {
	return len(v.filters) > 0 && !v.troubled() &&
		!slices.ContainsFunc(v.filters, func(f api.Filter) bool { return f.Condition != api.ConditionLive })
}

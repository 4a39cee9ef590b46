// Package view prints the answers of a server: filters, Envoys, and their problems.
//
// [Ask] asks a server for a [View], its answers at one time. words.go has the words for states,
// error.go and problems.go the errors, each printed once, filters.go, filter.go and nodes.go the
// tables, and changes.go the differences between two views.
package view

import (
	"context"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
)

// View has the answers of a server at one time.
type View struct {
	Filters []api.Filter
	One     bool // a view of a single filter, without the fields below
	// History is of the single filter; nil: there is none.
	History *api.History
	Source  api.Source
	limits  []api.Limit // for which streams were ended
	// visitors are the hosts that spoke another protocol than a port does.
	visitors     []api.Visitor
	certificates []api.Certificate
	identity     api.Identity
	tokens       api.Tokens
	webhooks     []api.Webhook
	freeze       api.Freeze
	replicas     []api.Replica
}

// Ask asks for a filter, or with "" for all filters and the source.
func Ask(ctx context.Context, server apiclient.Client, name string) (*View, error) {
	if name != "" {
		f, err := server.Filter(ctx, name)
		if err != nil {
			return nil, err
		}
		v := &View{Filters: []api.Filter{*f}, One: true}
		if f.State != api.FilterUnknown {
			// Without a history, the view tells less.
			v.History, _ = server.History(ctx, name)
		}
		return v, nil
	}
	v := &View{}
	var err error
	if v.Filters, err = server.Filters(ctx); err != nil {
		return nil, err
	}
	if v.Source, err = server.Source(ctx); err != nil {
		return nil, err
	}
	if v.certificates, err = server.Certificates(ctx); err != nil {
		return nil, err
	}
	if v.identity, err = server.Identity(ctx); err != nil {
		return nil, err
	}
	if v.tokens, err = server.Tokens(ctx); err != nil {
		return nil, err
	}
	if v.webhooks, err = server.Webhooks(ctx); err != nil {
		return nil, err
	}
	if v.replicas, err = server.Replicas(ctx); err != nil {
		return nil, err
	}
	if v.freeze, err = server.Freeze(ctx); err != nil {
		return nil, err
	}
	if v.visitors, err = server.Visitors(ctx); err != nil {
		return nil, err
	}
	v.limits, err = server.Limits(ctx)
	return v, err
}

// Troubled says whether any filter, source, certificate, or file of rules or tokens needs a look.
func (v *View) Troubled() bool {
	if !v.One && (v.Source.Error != nil || len(v.Source.Errors) > 0) {
		return true
	}
	if slices.ContainsFunc(v.certificates, func(c api.Certificate) bool { return c.Error != nil || expired(&c, time.Now()) }) {
		return true
	}
	if slices.ContainsFunc(v.replicas, func(r api.Replica) bool { return r.Self && r.Degraded != nil }) {
		return true
	}
	if v.identity.Error != nil || v.tokens.Error != nil {
		return true
	}
	for i := range v.Filters {
		f := &v.Filters[i]
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

// Live says whether there are filters, and all of them run on an Envoy without a problem. A service
// that no Envoy has in its bootstrap is no problem.
func (v *View) Live() bool {
	return len(v.Filters) > 0 && !v.Troubled() && !slices.ContainsFunc(v.Filters, func(f api.Filter) bool {
		isUnused := f.Service != nil && f.Condition == api.ConditionNoEnvoy
		return f.Condition != api.ConditionLive && !isUnused
	})
}

package admin

import (
	"context"
	"time"
)

// fake is a State with fields for tests.
type fake struct {
	Hub
	filters    []Filter
	nodes      []Node
	source     Source
	ready      bool
	rolledBack []string // name@revision
	decided    []string
	forgotten  []string
	limits     []Limit
	visitors   []Visitor
	histories  map[string]History
	refuse     *Error
	syncedFor  time.Duration
}

func (f *fake) Filters() []Filter   { return f.filters }
func (f *fake) Nodes() []Node       { return f.nodes }
func (f *fake) Snapshot() Snapshot  { return Snapshot{Version: "v1", Filters: map[string]string{}} }
func (f *fake) Source() Source      { return f.source }
func (f *fake) Ready() bool         { return f.ready }
func (f *fake) Limits() []Limit     { return f.limits }
func (f *fake) Visitors() []Visitor { return f.visitors }

func (f *fake) Counts() Counts {
	counts := Counts{Filters: map[FilterState]int{}, Subscribers: map[SubscriberState]int{}}
	for _, one := range f.filters {
		counts.Filters[one.State]++
		if one.Error != nil {
			counts.WithError++
		}
		each := FilterCounts{Name: one.Name, State: one.State, WithError: one.Error != nil, Subscribers: map[SubscriberState]int{}}
		for _, s := range one.Subscribers {
			counts.Subscribers[s.State]++
			each.Subscribers[s.State]++
		}
		counts.PerFilter = append(counts.PerFilter, each)
	}
	return counts
}

func (f *fake) Filter(name string) (Filter, bool) {
	for _, one := range f.filters {
		if one.Name == name {
			return one, true
		}
	}
	return Filter{}, false
}

func (f *fake) History(name string) (History, bool) {
	h, ok := f.histories[name]
	return h, ok
}

func (f *fake) Sync(ctx context.Context) (Sync, *Error) {
	deadline, _ := ctx.Deadline()
	f.syncedFor = time.Until(deadline).Round(time.Second)
	return Sync{Version: "v2", Filters: []SyncFilter{{Name: "auth", Revision: "0123456789ab", State: FilterActive}}}, f.refuse
}

func (f *fake) Rollback(_ context.Context, name, revision string) (Filter, *Error) {
	if f.refuse != nil {
		return Filter{}, f.refuse
	}
	one, ok := f.Filter(name)
	if !ok {
		return Filter{}, &Error{Code: CodeNoFilter}
	}
	f.rolledBack = append(f.rolledBack, name+"@"+revision)
	return one, nil
}

func (f *fake) Forget(_ context.Context, name string) (Forgotten, *Error) {
	if f.refuse != nil {
		return Forgotten{}, f.refuse
	}
	if _, ok := f.Filter(name); !ok {
		return Forgotten{}, &Error{Code: CodeNoFilter}
	}
	f.forgotten = append(f.forgotten, name)
	return Forgotten{Name: name, Revisions: 2}, nil
}

func someState() *fake {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &fake{
		ready: true,
		filters: []Filter{
			{
				Name: "auth", Type: "http", Revision: "0123456789ab", State: FilterActive, Module: Module{SHA256: "ff", Size: 7},
				SpecFile: "/specs/auth.yaml", OnRemove: "keep", Delivery: "remote",
				Subscribers: []Subscriber{{Node: "edge-1", Cluster: "edge", Address: "127.0.0.1:5", Stream: "1", Envoy: "1.40.0", State: SubscriberLive, Revision: "0123456789ab", Variant: "inline", Since: since}},
			},
			{Name: "team/hello", Type: "http", State: FilterRejected, Error: &Error{Code: "module_missing", Message: "no such file", File: "hello.yaml", Line: 3, Column: 9}},
		},
		source: Source{Directory: "/specs", State: SourceOK},
	}
}

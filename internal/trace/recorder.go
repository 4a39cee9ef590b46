package trace

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// mostEdits bounds the edits under way that are recorded. A change of more filters at once has
// spans for some of them.
const mostEdits = 1000

// Recorder records edits. A nil Recorder records nothing. It belongs to one goroutine.
type Recorder struct {
	emit    func(Span)
	seen    map[string]*edit // by filter: not published yet
	rolling map[string]*edit // by filter: on the way to Envoys
	// groups are the names of each outstanding response of several resources, by stream and name.
	groups map[answer][]string
	tokens map[string]place // of pushes with a module that may be fetched
}

type answer struct {
	stream uint64
	name   string
}

type place struct {
	stream uint64
	filter string
}

// New returns a recorder. emit takes the ended spans, and must not block.
func New(emit func(Span)) *Recorder {
	return &Recorder{
		emit: emit, seen: map[string]*edit{}, rolling: map[string]*edit{}, groups: map[answer][]string{}, tokens: map[string]place{},
	}
}

// Seen notes a change of a spec, or of a file of the spec.
func (r *Recorder) Seen(filter, file string, at time.Time) {
	if r == nil || len(r.seen) >= mostEdits {
		return
	}
	r.seen[filter] = newEdit("edit", filter, file, at)
}

// Part records a part of an edit before its publication, like the reading of the module. problem
// "": it went well.
func (r *Recorder) Part(filter, name string, start, end time.Time, problem string, attributes ...Attribute) {
	if r == nil || r.seen[filter] == nil {
		return
	}
	e := r.seen[filter]
	s := e.root.child(name, start)
	for _, a := range attributes {
		s.set(a.Key, a.Value)
	}
	e.end(s, end, problem, r.emit)
}

// Published notes that a revision goes to Envoys from now on.
func (r *Recorder) Published(filter, revision, file string, at time.Time) {
	if r == nil {
		return
	}
	r.finish(filter, Superseded, "", at)
	e := r.seen[filter]
	delete(r.seen, filter)
	if e == nil {
		e = newEdit("change of", filter, file, at) // a rollback, or a part of a change of very many
	}
	if len(r.rolling) >= mostEdits {
		return
	}
	e.publish(revision, at, r.emit)
	r.rolling[filter] = e
}

// Settled drops the edits that have changed no revision. isReady says whether the newest content of
// a filter has been served.
func (r *Recorder) Settled(isReady func(filter string) bool) {
	if r == nil {
		return
	}
	maps.DeleteFunc(r.seen, func(filter string, _ *edit) bool { return isReady(filter) })
}

// Refused ends an edit without effect on Envoys: before the publication, or if the revision is
// on its way.
func (r *Recorder) Refused(filter, revision, problem string, at time.Time) {
	if r == nil {
		return
	}
	if e := r.rolling[filter]; e != nil && e.revision == revision && revision != "" {
		r.finish(filter, Refused, problem, at)
		return
	}
	if e := r.seen[filter]; e != nil {
		delete(r.seen, filter)
		if revision != "" {
			e.root.set("revision", revision)
		}
		e.finish(Refused, problem, at, r.emit)
	}
}

// Live ends an edit with a revision that runs everywhere.
func (r *Recorder) Live(filter, revision string, at time.Time) {
	if r != nil && r.rolling[filter] != nil && r.rolling[filter].revision == revision {
		r.finish(filter, Live, "", at)
	}
}

// Passed notes that a wave is over.
func (r *Recorder) Passed(filter, revision, wave string, at time.Time) {
	if r != nil && r.rolling[filter] != nil && r.rolling[filter].revision == revision {
		r.rolling[filter].passed(wave, at, r.emit)
	}
}

// Noted adds an event to the wave under way.
func (r *Recorder) Noted(filter, revision string, e Event) {
	if r != nil && r.rolling[filter] != nil && r.rolling[filter].revision == revision {
		r.rolling[filter].wave.happened(e)
	}
}

// Sent notes a response. Others are further resources of the response.
func (r *Recorder) Sent(stream uint64, at time.Time, first Push, others ...Push) {
	if r == nil || len(r.rolling) == 0 {
		return
	}
	all, names := append([]Push{first}, others...), []string(nil)
	for _, p := range all {
		e := r.rolling[p.Filter]
		if e == nil || e.revision != p.Revision || e.sent(stream, p, at) {
			continue
		}
		names = append(names, p.Filter)
		if p.Token != "" {
			r.tokens[p.Token] = place{stream, p.Filter}
		}
	}
	if len(names) == 0 {
		return
	}
	for _, p := range all {
		r.groups[answer{stream, p.Filter}] = names
	}
}

// Answered notes the answer to the response with a resource of this name. refusal "": an ACK.
func (r *Recorder) Answered(stream uint64, name, refusal string, at time.Time) {
	if r == nil {
		return
	}
	names := r.groups[answer{stream, name}]
	delete(r.groups, answer{stream, name})
	if refusal != "" && len(names) > 1 {
		// The refusal is a verdict on none of them: each comes again alone.
		for _, n := range names {
			if e := r.rolling[n]; e != nil && e.pushes[stream] != nil {
				e.pushes[stream].span.happened(Event{Name: "a response of several filters was refused", At: at})
			}
		}
		return
	}
	for _, n := range names {
		if e := r.rolling[n]; e != nil {
			e.answered(stream, refusal, at, r.emit)
		}
	}
}

// Fetching and Fetched note that the Envoy with a push's token fetches the module.
func (r *Recorder) Fetching(token string, at time.Time) {
	if e, one := r.of(token); one != nil && one.fetch == nil && one.span.End.IsZero() {
		one.fetch = one.span.child("fetch by "+nodeOf(one.span), at)
		_ = e
	}
}

// Fetched notes the end of the GET.
func (r *Recorder) Fetched(token string, complete bool, at time.Time) {
	e, one := r.of(token)
	if one == nil {
		return
	}
	problem := ""
	if !complete {
		problem = "the GET of the module broke"
	}
	e.endFetch(one, at, problem, r.emit)
}

// Closed notes the end of a stream.
func (r *Recorder) Closed(stream uint64, at time.Time) {
	if r == nil || len(r.rolling) == 0 {
		return
	}
	for _, e := range r.rolling {
		if one := e.pushes[stream]; one != nil && one.span.End.IsZero() {
			e.endFetch(one, at, "the stream has ended", r.emit)
			e.end(one.span, at, "the stream has ended before the answer", r.emit)
		}
	}
	maps.DeleteFunc(r.groups, func(a answer, _ []string) bool { return a.stream == stream })
}

// End ends all edits, at the end of the process.
func (r *Recorder) End(at time.Time) {
	if r == nil {
		return
	}
	for _, filter := range slices.Sorted(maps.Keys(r.rolling)) {
		r.finish(filter, Interrupted, "", at)
	}
	clear(r.seen)
}

// of is the push with a token.
func (r *Recorder) of(token string) (*edit, *push) {
	if r == nil {
		return nil, nil
	}
	at, known := r.tokens[token]
	e := r.rolling[at.filter]
	if !known || e == nil || e.pushes[at.stream] == nil || e.pushes[at.stream].token != token {
		return nil, nil
	}
	return e, e.pushes[at.stream]
}

func (r *Recorder) finish(filter, outcome, problem string, at time.Time) {
	e := r.rolling[filter]
	if e == nil {
		return
	}
	delete(r.rolling, filter)
	e.finish(outcome, problem, at, r.emit)
	maps.DeleteFunc(r.tokens, func(_ string, p place) bool { return p.filter == filter })
	maps.DeleteFunc(r.groups, func(_ answer, names []string) bool { return slices.Contains(names, filter) && len(names) == 1 })
	if len(r.rolling) == 0 {
		clear(r.groups)
	}
}

func nodeOf(s *Span) string {
	for _, a := range s.Attributes {
		if a.Key == prefix+"node" {
			text, _ := a.Value.(string)
			return text
		}
	}
	return cmp.Or("", "an Envoy")
}

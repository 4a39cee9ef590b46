package admin

// Condition is how a filter does, in one word for scripts, colours and alerts.
type Condition string

// The conditions. More may come.
const (
	// ConditionLive: every Envoy that asks for the filter runs what it should.
	ConditionLive Condition = "live"
	// ConditionProgressing: something is on its way, or being tried.
	ConditionProgressing Condition = "progressing"
	// ConditionFailing: the newest content is not served, or an Envoy cannot run it.
	ConditionFailing Condition = "failing"
	// ConditionNoEnvoy: no Envoy asks for the filter, and none has.
	ConditionNoEnvoy Condition = "no_envoy"
	// ConditionEnvoysGone: no Envoy asks for the filter any more.
	ConditionEnvoysGone Condition = "envoys_gone"
)

// Envoys counts a filter's Envoys. An Envoy that asks for the filter in several places, on one
// connection, is one.
type Envoys struct {
	Live  int `json:"live"`  // run what they should, in all places
	Total int `json:"total"` // ask for the filter
	Gone  int `json:"gone"`  // have asked for it and are shown still
}

// The codes of errors that Summarize tells from others.
const (
	CodePreflightRunning = "preflight_running"
	CodeDownloadWaits    = "module_download_waits"
	CodeSpecRemoved      = "spec_removed"
)

// The codes of what is a warning on a subscriber that is live: its module goes inline.
const (
	CodeModuleNotFetched     = "module_not_fetched"
	CodeModuleFileUnreadable = "module_file_unreadable"
)

// Warns says whether the subscriber's Error is a warning: it is live all the same.
func (s *Subscriber) Warns() bool {
	return s.Error != nil && s.State == SubscriberLive && (s.Error.Code == CodeModuleNotFetched || s.Error.Code == CodeModuleFileUnreadable)
}

// Summarize sets the filter's Envoys and Condition from its other fields.
func (f *Filter) Summarize() {
	f.Envoys = countEnvoys(f.Subscribers)
	f.Condition = f.condition()
}

// envoy tells Envoys apart: two with one node id have two connections.
type envoy struct{ node, address string }

func countEnvoys(subscribers []Subscriber) Envoys {
	return CountEnvoys(subscribers, func(s *Subscriber) bool { return s.State == SubscriberLive })
}

// CountEnvoys counts the Envoys of subscribers. An Envoy is live where runs is true of all that it has.
func CountEnvoys(subscribers []Subscriber, runs func(*Subscriber) bool) Envoys {
	live, gone := map[envoy]bool{}, map[envoy]struct{}{}
	for i := range subscribers {
		s := &subscribers[i]
		e := envoy{s.Node, s.Address}
		if s.State == SubscriberGone {
			gone[e] = struct{}{}
			continue
		}
		before, known := live[e]
		live[e] = runs(s) && (before || !known)
	}
	out := Envoys{Total: len(live), Gone: len(gone)}
	for e, is := range live {
		if is {
			out.Live++
		}
		if _, left := gone[e]; left {
			out.Gone-- // one of its streams has ended
		}
	}
	return out
}

func (f *Filter) condition() Condition {
	switch {
	case f.State == FilterRejected, f.State == FilterUnknown, f.Failure() != nil:
		return ConditionFailing
	case f.Envoys.Total == 0 && (f.Envoys.Gone > 0 || f.Stable != ""):
		return ConditionEnvoysGone
	case f.Envoys.Total == 0 && f.State != FilterPreparing && !f.isUnderWay():
		return ConditionNoEnvoy
	case f.Envoys.Live < f.Envoys.Total, f.Candidate != "", f.State == FilterPreparing, f.isUnderWay():
		return ConditionProgressing
	default:
		return ConditionLive
	}
}

// isUnderWay says whether the newest revision is in the sandbox, or its module's download waits.
func (f *Filter) isUnderWay() bool {
	return f.Error != nil && (f.Error.Code == CodePreflightRunning || f.Error.Code == CodeDownloadWaits)
}

// Failure is why the filter's newest content is not served, or one of its Envoys cannot run
// it. It is nil where nothing is wrong, where the sandbox is still at it, where a download waits,
// where a rollback keeps it, and where the spec was removed.
func (f *Filter) Failure() *Error {
	if e := f.Error; e != nil {
		switch e.Code {
		case CodePreflightRunning, CodeDownloadWaits, CodeRolledBack, CodeSpecRemoved:
		default:
			return e
		}
	}
	for i := range f.Subscribers {
		switch s := &f.Subscribers[i]; s.State {
		case SubscriberRejected, SubscriberDenied, SubscriberUnsupported:
			if s.Error != nil {
				return s.Error
			}
			return &Error{Code: "not_run", Message: "Envoy " + s.Node + " cannot run it: " + string(s.State)}
		default:
		}
	}
	return nil
}

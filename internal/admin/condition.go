package admin

// Condition is a filter's health, as a word for scripts, colours and alerts.
type Condition string

// The conditions. Later versions may add more.
const (
	// ConditionLive: every Envoy that asks for the filter runs the wanted content.
	ConditionLive Condition = "live"
	// ConditionProgressing: a revision is on its way, or in the sandbox.
	ConditionProgressing Condition = "progressing"
	// ConditionFailing: the newest content is not served, or an Envoy cannot run it.
	ConditionFailing Condition = "failing"
	// ConditionNoEnvoy: no Envoy asks for the filter, and none is known to have asked.
	ConditionNoEnvoy Condition = "no_envoy"
	// ConditionEnvoysGone: no Envoy asks for the filter any more.
	ConditionEnvoysGone Condition = "envoys_gone"
)

// Envoys counts a filter's Envoys. An Envoy counts once per connection, even if several places of
// its configuration ask for the filter.
type Envoys struct {
	Live  int `json:"live"`  // run the wanted content, in all places
	Total int `json:"total"` // ask for the filter
	Gone  int `json:"gone"`  // have asked for the filter and are still shown
}

// Summarize treats these error codes differently.
const (
	CodePreflightRunning = "preflight_running"
	CodeDownloadWaits    = "module_download_waits"
	CodeSpecRemoved      = "spec_removed"
)

// These error codes are warnings on a live subscriber: its module is sent inline.
const (
	CodeModuleNotFetched     = "module_not_fetched"
	CodeModuleFileUnreadable = "module_file_unreadable"
)

// CodeSettingLost is the code of a subscriber's warning: its Envoy ignores a setting of the spec.
const CodeSettingLost = "setting_lost"

// Warns says whether the subscriber's Error is a warning: the subscriber is live all the same.
func (s *Subscriber) Warns() bool {
	return s.Error != nil && s.State == SubscriberLive && (s.Error.Code == CodeModuleNotFetched || s.Error.Code == CodeModuleFileUnreadable)
}

// Summarize sets the filter's Envoys and Condition from its other fields.
func (f *Filter) Summarize() {
	f.Envoys = countEnvoys(f.Subscribers)
	f.Condition = f.condition()
}

// envoy tells Envoys apart: two Envoys with the same node id have two connections.
type envoy struct{ node, address string }

func countEnvoys(subscribers []Subscriber) Envoys {
	return CountEnvoys(subscribers, func(s *Subscriber) bool { return s.State == SubscriberLive })
}

// CountEnvoys counts the Envoys of subscribers. An Envoy is live if runs is true of all of its
// subscribers.
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
			out.Gone-- // a stream of the Envoy has ended
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

// Failure is the reason for which the filter's newest content is not served, or for which one of
// its Envoys cannot run the filter. nil: no failure. The filter's own Error is no failure during
// a run in the sandbox, a paused download or a rollback, and after the removal of the spec.
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

package api

import "testing"

func TestCondition(t *testing.T) {
	sub := func(address string, state SubscriberState) Subscriber {
		return Subscriber{Node: "edge", Address: address, State: state}
	}
	for name, tt := range map[string]struct {
		filter Filter
		want   Condition
		envoys Envoys
	}{
		"nobody":                        {Filter{}, ConditionNoEnvoy, Envoys{}},
		"nobody any more":               {Filter{Stable: "a"}, ConditionEnvoysGone, Envoys{}},
		"nobody any more, shown still":  {Filter{Subscribers: []Subscriber{sub("1", SubscriberGone), sub("1", SubscriberGone), sub("2", SubscriberGone)}}, ConditionEnvoysGone, Envoys{Gone: 2}},
		"one":                           {Filter{Subscribers: []Subscriber{sub("1", SubscriberLive)}}, ConditionLive, Envoys{Live: 1, Total: 1}},
		"one Envoy in two listeners":    {Filter{Subscribers: []Subscriber{sub("1", SubscriberLive), sub("1", SubscriberLive)}}, ConditionLive, Envoys{Live: 1, Total: 1}},
		"one, and it is live in one":    {Filter{Subscribers: []Subscriber{sub("1", SubscriberLive), sub("1", SubscriberPending)}}, ConditionProgressing, Envoys{Total: 1}},
		"the other way round":           {Filter{Subscribers: []Subscriber{sub("1", SubscriberPending), sub("1", SubscriberLive)}}, ConditionProgressing, Envoys{Total: 1}},
		"two with one id":               {Filter{Subscribers: []Subscriber{sub("1", SubscriberLive), sub("2", SubscriberLive)}}, ConditionLive, Envoys{Live: 2, Total: 2}},
		"one of its streams has ended":  {Filter{Subscribers: []Subscriber{sub("1", SubscriberLive), sub("1", SubscriberGone)}}, ConditionLive, Envoys{Live: 1, Total: 1}},
		"a rollout":                     {Filter{Candidate: "b", Subscribers: []Subscriber{sub("1", SubscriberLive)}}, ConditionProgressing, Envoys{Live: 1, Total: 1}},
		"preparing, and nobody":         {Filter{State: FilterPreparing}, ConditionProgressing, Envoys{}},
		"an error":                      {Filter{Error: &Error{Code: "x"}, Subscribers: []Subscriber{sub("1", SubscriberLive)}}, ConditionFailing, Envoys{Live: 1, Total: 1}},
		"rolled back":                   {Filter{Error: &Error{Code: CodeRolledBack}, Subscribers: []Subscriber{sub("1", SubscriberLive)}}, ConditionLive, Envoys{Live: 1, Total: 1}},
		"a service, and nobody":         {Filter{Stable: "a", Service: &Service{}}, ConditionNoEnvoy, Envoys{}},
		"a service everywhere":          {Filter{Stable: "a", Service: &Service{Envoys: []ServiceEnvoy{{Node: "1", Current: true}}}}, ConditionLive, Envoys{Live: 1, Total: 1}},
		"a service before a restart":    {Filter{Stable: "a", Service: &Service{Envoys: []ServiceEnvoy{{Node: "1", Current: true}, {Node: "2"}}}}, ConditionProgressing, Envoys{Live: 1, Total: 2}},
		"denied":                        {Filter{Subscribers: []Subscriber{sub("1", SubscriberDenied)}}, ConditionFailing, Envoys{Total: 1}},
		"rejected, and nobody any more": {Filter{State: FilterRejected, Stable: "a"}, ConditionFailing, Envoys{}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.filter.Summarize()
			if tt.filter.Condition != tt.want || tt.filter.Envoys != tt.envoys {
				t.Errorf("%s, %+v", tt.filter.Condition, tt.filter.Envoys)
			}
		})
	}
}

package reach

import (
	"fmt"
	"testing"
	"time"
)

func TestReachIsBounded(t *testing.T) {
	var r Reach
	start := time.Unix(1000, 0)
	for i := range 2 * unreachedLimit {
		e := Envoy{Node: fmt.Sprint(i)}
		r.Missed(e, fmt.Sprint(i))
		r.Loaded(e, fmt.Sprint(i), start.Add(time.Duration(i)))
	}
	if len(r.unreached) != unreachedLimit || len(r.tokens) != unreachedLimit {
		t.Errorf("%d Envoys, %d tokens", len(r.unreached), len(r.tokens))
	}
}

// TestNothingIsLeftOfAMissedPush: code that is refused inline says nothing of the module server.
func TestNothingIsLeftOfAMissedPush(t *testing.T) {
	var r Reach
	r.Missed(Envoy{Node: "edge"}, "token")
	r.GaveUp("token")
	if _, late := r.Late("token"); late || len(r.tokens) != 0 || r.Any() {
		t.Errorf("%+v", r)
	}
}

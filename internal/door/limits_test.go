package door

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestLimitsAreCountedAndSeldomLogged(t *testing.T) {
	var l limits
	now := time.Unix(1000, 0)
	for i, after := range []time.Duration{0, time.Second, logLimitEvery, logLimitEvery + time.Second} {
		logged := l.note(api.Limit{Name: "streams", Most: 5, Node: "edge"}, now.Add(after))
		if want := after%logLimitEvery == 0; logged != want {
			t.Errorf("%d: logged: %t", i, logged)
		}
	}
	l.note(api.Limit{Name: "names"}, now)
	all := l.all()
	if len(all) != 2 || all[0].Name != "names" || all[1].Refused != 4 || all[1].Node != "edge" || !all[1].Last.Equal(now.Add(logLimitEvery+time.Second)) {
		t.Errorf("%+v", all)
	}
}

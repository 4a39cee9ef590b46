package door

import (
	"fmt"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// An attacker with many addresses does not fill the log.
func TestLinesAboutLimitsAreBounded(t *testing.T) {
	var l limits
	now, lines := time.Unix(1000, 0), 0
	for i := range 5 * mostLogged {
		if l.note(api.Limit{Name: "streams", Address: fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)}, now) {
			lines++
		}
	}
	if lines != mostLogged || len(l.logged) != mostLogged {
		t.Errorf("%d lines, %d remembered", lines, len(l.logged))
	}
	if !l.note(api.Limit{Name: "streams", Address: "10.9.9.9:1"}, now.Add(logLimitEvery)) || len(l.logged) != 1 {
		t.Errorf("a minute later, %d are remembered", len(l.logged))
	}
}

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

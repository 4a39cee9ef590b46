package serve

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Each certificate has an event when its end is near, and another when it has ended, once. A new
// certificate begins anew.
func TestExpiryEvents(t *testing.T) {
	const day = 24 * time.Hour
	t0 := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	of := func(ends time.Duration, ports ...string) api.Certificate {
		return api.Certificate{Ports: ports, File: "tls.crt", NotBefore: t0.Add(-90 * day), NotAfter: t0.Add(ends)}
	}
	current := []api.Certificate{of(20*day, "xds", "modules"), of(90*day, "admin"), {Ports: []string{"metrics"}}}
	var got []string
	e := &expiries{
		certificates: func() []api.Certificate { return current }, told: map[string]toldExpiry{},
		publish: func(e api.Event) {
			got = append(got, fmt.Sprintf("%s %s", e.Type, e.Name))
			if !e.Type.IsNotable() || e.Until.IsZero() || !strings.Contains(e.Message, e.Name) || !strings.Contains(e.Message, "tls.crt") {
				t.Errorf("the event is %+v", e)
			}
		},
	}
	for _, step := range []struct {
		at    time.Duration
		renew bool
		want  []string
	}{
		{0, false, nil},
		{6*day - time.Second, false, nil},
		{6*day + time.Second, false, []string{"certificate_expiring xds,modules"}},
		{20*day - time.Second, false, nil},
		{20 * day, false, []string{"certificate_expired xds,modules"}},
		{21 * day, false, nil},
		{21 * day, true, nil},
		{80 * day, false, []string{"certificate_expiring xds,modules", "certificate_expiring admin"}},
	} {
		if step.renew {
			current[0] = of(91*day, "xds", "modules")
			current[0].NotBefore = t0.Add(21 * day)
		}
		got = nil
		e.look(t0.Add(step.at))
		e.look(t0.Add(step.at))
		if !slices.Equal(got, step.want) {
			t.Errorf("after %s: %v, want %v", step.at, got, step.want)
		}
	}
}

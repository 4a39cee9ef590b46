package door

import (
	"fmt"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestVisitorsAreLoggedOnce(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var v visitors
	for _, tt := range []struct {
		after         time.Duration
		port, address string
		speaks        string
		logged        bool
	}{
		{0, "xds", "10.0.0.1:1", "tls", true},
		{time.Second, "xds", "10.0.0.1:2", "tls", false},
		{2 * time.Second, "xds", "10.0.0.2:1", "tls", false}, // another host, too
		{3 * time.Second, "xds", "10.0.0.1:3", "http1", true},
		{4 * time.Second, "modules", "10.0.0.1:4", "tls", true},
		{time.Minute, "xds", "10.0.0.1:5", "tls", false},
		{time.Minute, "xds", "10.0.0.2:5", "tls", true}, // not in a flood of lines, but in the end
		{2 * time.Minute, "xds", "10.0.0.2:6", "tls", false},
	} {
		one := api.Visitor{Port: tt.port, Address: tt.address, Speaks: tt.speaks}
		if got := v.note(one, start.Add(tt.after)); got != tt.logged {
			t.Errorf("%+v: logged is %t", tt, got)
		}
	}
	all := v.recent(start.Add(time.Minute))
	if len(all) != 4 || all[1].Address != "10.0.0.1:3" || all[2].Address != "10.0.0.1:5" || all[2].Count != 3 || all[3].Count != 3 {
		t.Errorf("%+v", all)
	}
	if all := v.recent(start.Add(3 * time.Hour)); len(all) != 0 {
		t.Errorf("after three hours: %+v", all)
	}
	if !v.note(api.Visitor{Port: "xds", Address: "10.0.0.1:6", Speaks: "tls"}, start.Add(3*time.Hour)) {
		t.Error("a host that comes back after hours is not logged")
	}
}

func TestVisitorsAreBounded(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var v visitors
	for i := range 3 * mostVisitors {
		v.note(api.Visitor{Port: "xds", Speaks: "tls", Address: fmt.Sprintf("10.0.%d.%d:1", i/250, i%250)}, start.Add(time.Duration(i)*time.Second))
	}
	all := v.recent(start.Add(3 * mostVisitors * time.Second))
	if len(all) != mostVisitors || len(v.seen) != mostVisitors {
		t.Errorf("%d are shown of %d", len(all), len(v.seen))
	}
	for _, one := range all {
		if one.Last.Before(start.Add(2 * mostVisitors * time.Second)) {
			t.Errorf("an old one was kept: %+v", one)
		}
	}
}

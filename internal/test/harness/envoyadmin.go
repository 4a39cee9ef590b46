package harness

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Admin returns the admin server's answer to GET path.
func (e *EnvoyProcess) Admin(path string) string {
	e.t.Helper()
	status, body, err := e.get(path)
	if err != nil || status != http.StatusOK {
		e.t.Fatalf("Envoy's admin, GET %s: status %d, error %v", path, status, err)
	}
	return body
}

// WaitReady waits until Envoy is live, after the warming of all listeners.
func (e *EnvoyProcess) WaitReady() {
	e.t.Helper()
	ready := func() bool {
		status, _, err := e.get("/ready")
		return err == nil && status == http.StatusOK
	}
	if !Poll(e.t.Context(), ready) {
		e.t.Fatalf("Envoy is not ready")
	}
}

// Stats returns the counters and gauges with names that begin with prefix.
func (e *EnvoyProcess) Stats(prefix string) map[string]int64 {
	e.t.Helper()
	stats, err := e.stats(prefix)
	if err != nil {
		e.t.Fatalf("Envoy's stats: %v", err)
	}
	return stats
}

func (e *EnvoyProcess) stats(prefix string) (map[string]int64, error) {
	_, body, err := e.get("/stats?format=json&filter=" + url.QueryEscape("^"+quoteRE2(prefix)))
	if err != nil {
		return nil, err
	}
	var doc struct {
		Stats []struct {
			Name  string
			Value any // a number, or text for some stats
		}
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		return nil, err
	}
	stats := map[string]int64{}
	for _, s := range doc.Stats {
		if n, ok := s.Value.(float64); ok && s.Name != "" {
			stats[s.Name] = int64(n)
		}
	}
	return stats, nil
}

// Stat returns one counter or gauge, or 0 if Envoy has none with this name.
func (e *EnvoyProcess) Stat(name string) int64 {
	e.t.Helper()
	return e.Stats(name)[name]
}

// WaitStat waits until a counter or gauge is at least n.
func (e *EnvoyProcess) WaitStat(name string, n int64) {
	e.t.Helper()
	var last int64
	reached := func() bool {
		stats, err := e.stats(name)
		if err == nil {
			last = stats[name]
		}
		return last >= n
	}
	if !Poll(e.t.Context(), reached) {
		e.t.Fatalf("Envoy's %s is %d, not %d", name, last, n)
	}
}

// FilterStats returns the counters of one ECDS name, summed over all subscriptions: config_reload,
// config_fail, update_success, update_rejected and so on. The sum covers HTTP and network
// listeners.
func (e *EnvoyProcess) FilterStats(filter string) map[string]int64 {
	e.t.Helper()
	sum := map[string]int64{}
	for name, value := range e.Stats("extension_config_discovery.") {
		if rest, ok := cutAfter(name, "."+filter+"."); ok {
			sum[rest] += value
		}
	}
	return sum
}

// ConfigDump returns /config_dump for a resource, like "ecds_filters" or "dynamic_listeners". ""
// means everything.
func (e *EnvoyProcess) ConfigDump(resource string) string {
	e.t.Helper()
	path := "/config_dump"
	if resource != "" {
		path += "?resource=" + url.QueryEscape(resource)
	} else {
		path += "?include_eds"
	}
	return e.Admin(path)
}

func cutAfter(s, sep string) (string, bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", false
	}
	return s[i+len(sep):], true
}

// quoteRE2 quotes the special characters in a stat's name.
func quoteRE2(s string) string { return strings.ReplaceAll(s, ".", `\.`) }

// Diff returns the differences between two sets of stats, after minus before, without zeroes.
func Diff(before, after map[string]int64) map[string]int64 {
	diff := maps.Clone(after)
	for name, value := range before {
		diff[name] -= value
	}
	maps.DeleteFunc(diff, func(_ string, n int64) bool { return n == 0 })
	return diff
}

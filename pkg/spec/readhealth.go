package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of the section health.
const (
	maxMinRequests   = 1_000_000
	maxEvents        = 1_000_000_000
	maxDelay         = time.Hour
	maxGrowth        = 64 << 30
	maxAfter         = 24 * time.Hour
	maxHealthMetrics = 32
	maxMetricName    = 200
)

// DefaultHealth is the section health without any field.
func DefaultHealth() Health {
	return Health{
		MinRequests: 100,
		Errors:      ShareLimit{Over: 0.005},
		Denials:     ShareLimit{Over: 0.05},
		P50:         DelayLimit{Over: 10 * time.Millisecond, OverShare: 0.25},
		P99:         DelayLimit{Over: 50 * time.Millisecond, OverShare: 0.5},
		Memory:      GrowthLimit{Max: 64 << 20, Share: 0.1},
		After:       10 * time.Minute,
	}
}

// off is the text that removes a limit.
const off = "off"

// readHealth reads a section health. Fields that the section lacks are those of base. isStep says
// that the section belongs to a step of the rollout.
func readHealth(d *decoder, path string, v *node, base Health, isStep bool) *Health {
	h := base
	known := fields{
		"minRequests": func(_, v *node) { h.MinRequests = readCount(d, path+".minRequests", v, 1, maxMinRequests) },
		"traps":       func(_, v *node) { h.Traps = readCountLimit(d, path+".traps", v) },
		"bypassed":    func(_, v *node) { h.Bypassed = readCountLimit(d, path+".bypassed", v) },
		"errors":      func(_, v *node) { h.Errors = readShareLimit(d, path+".errors", v) },
		"denials":     func(_, v *node) { h.Denials = readShareLimit(d, path+".denials", v) },
		"latency": func(_, v *node) {
			d.section(path+".latency", v, fields{
				"p50": func(_, v *node) { h.P50 = readDelayLimit(d, path+".latency.p50", v) },
				"p99": func(_, v *node) { h.P99 = readDelayLimit(d, path+".latency.p99", v) },
			})
		},
		"memory":     func(_, v *node) { h.Memory = readGrowth(d, path+".memory", v) },
		"metrics":    func(_, v *node) { h.Metrics = readMetricLimits(d, path+".metrics", v) },
		"prometheus": func(_, v *node) { h.Prometheus = readPrometheus(d, path+".prometheus", v) },
	}
	if !isStep {
		known["after"] = func(_, v *node) { h.After = d.duration(path+".after", v, 0, maxAfter) }
	}
	d.section(path, v, known)
	return &h
}

func isOff(v *node) bool { return v.kind == kindString && v.text == off }

// readCount reads a whole number.
func readCount(d *decoder, path string, v *node, least, most int) uint64 {
	if !d.is(path, v, kindNumber) {
		return 0
	}
	return uint64(d.whole(path, v, v.text, least, most))
}

func readCountLimit(d *decoder, path string, v *node) CountLimit {
	if isOff(v) {
		return CountLimit{Off: true, Named: true}
	}
	if v.kind == kindString {
		d.wrongLimit(path, v, "a whole number or off")
		return CountLimit{}
	}
	return CountLimit{Max: readCount(d, path, v, 0, maxEvents), Named: true}
}

// readShareLimit reads 1%, off, or {over: 1%, max: 5%}.
func readShareLimit(d *decoder, path string, v *node) ShareLimit {
	l := ShareLimit{Named: true}
	switch {
	case isOff(v):
		l.Off = true
	case v.kind == kindMap:
		l.Over = 1 // without over, only max is a limit
		d.section(path, v, fields{
			"over": func(_, v *node) { l.Over = d.percentage(path+".over", v, 100) },
			"max":  func(_, v *node) { l.Max = d.percentage(path+".max", v, 100) },
		})
		d.needsOverOrMax(path, v)
	default:
		l.Over = d.percentage(path, v, 100)
	}
	return l
}

// readDelayLimit reads 10ms, 20%, off, or {over: 10ms, max: 500ms}.
func readDelayLimit(d *decoder, path string, v *node) DelayLimit {
	l := DelayLimit{Named: true}
	over := func(path string, v *node) {
		if v.kind == kindString && strings.HasSuffix(v.text, "%") {
			l.OverShare = d.percentage(path, v, 10_000)
			return
		}
		l.Over = d.duration(path, v, 0, maxDelay)
	}
	switch {
	case isOff(v):
		l.Off = true
	case v.kind == kindMap:
		l.Over = NoDelayLimit
		d.section(path, v, fields{
			"over": func(_, v *node) {
				l.Over = 0
				over(path+".over", v)
			},
			"max": func(_, v *node) { l.Max = d.duration(path+".max", v, time.Microsecond, maxDelay) },
		})
		d.needsOverOrMax(path, v)
	default:
		over(path, v)
	}
	return l
}

func (d *decoder) needsOverOrMax(path string, v *node) {
	if len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: path + " limits nothing",
			Hint: "give it over or max, or write off", Pos: v.pos,
		})
	}
}

// readGrowth reads 64Mi, 10% or off.
func readGrowth(d *decoder, path string, v *node) GrowthLimit {
	switch {
	case isOff(v):
		return GrowthLimit{Off: true, Named: true}
	case v.kind == kindString && strings.HasSuffix(v.text, "%"):
		return GrowthLimit{Share: d.percentage(path, v, 100), Named: true}
	}
	return GrowthLimit{Max: readSize(d, path, v, pageSize, maxGrowth), Named: true}
}

func readMetricLimits(d *decoder, path string, v *node) map[string]MetricLimit {
	if !d.is(path, v, kindMap) {
		return nil
	}
	if len(v.entries) == 0 || len(v.entries) > maxHealthMetrics {
		d.failf(CodeBadValue, v, "%s has %d metrics, and must have 1 to %d", path, len(v.entries), maxHealthMetrics)
		return nil
	}
	limits := map[string]MetricLimit{}
	known := fields{}
	for _, e := range v.entries {
		name, ok := d.filled("a name in "+path, e.key)
		if !ok {
			continue
		}
		if len(name) > maxMetricName {
			d.failf(CodeBadValue, e.key, "a name in %s is longer than %d characters", path, maxMetricName)
			continue
		}
		known[name] = func(_, v *node) { limits[name] = readMetricLimit(d, path+"."+brief(name), v) }
	}
	d.section(path, v, known)
	return limits
}

// readMetricLimit reads {max: 5%} or {max: 10}.
func readMetricLimit(d *decoder, path string, v *node) (l MetricLimit) {
	d.section(path, v, fields{"max": func(_, v *node) {
		if v.kind == kindNumber {
			l.Count = readCount(d, path+".max", v, 0, maxEvents)
			return
		}
		l.IsShare, l.Share = true, d.percentage(path+".max", v, 10_000)
	}})
	if v.kind == kindMap && len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeMissingField, Message: path + ".max is missing",
			Hint: "write a share of the requests or a number, as in {max: 5%} or {max: 10}", Pos: v.pos,
		})
	}
	return l
}

var percentText = regexp.MustCompile(`^([0-9]{1,5}(?:\.[0-9]{1,6})?)%$`)

// percentage reads a percentage from 0% to most as a share: 0.01 for 1%.
func (d *decoder) percentage(path string, v *node, most float64) float64 {
	if v.kind == kindNumber {
		d.fail(&Error{
			Code: CodeWrongType, Message: path + " must be a percentage, not a number",
			Hint: "add the sign, as in 1% or 0.5%", Pos: v.pos,
		})
		return 0
	}
	if !d.is(path, v, kindString) {
		return 0
	}
	parts := percentText.FindStringSubmatch(v.text)
	if parts == nil {
		d.wrongLimit(path, v, "a percentage such as 1% or 0.5%")
		return 0
	}
	value, err := strconv.ParseFloat(parts[1], 64)
	if err != nil || value > most {
		d.failf(CodeBadValue, v, "%s is %s, and must be from 0%% to %g%%", path, v.text, most)
		return 0
	}
	return value / 100
}

func (d *decoder) wrongLimit(path string, v *node, want string) {
	d.fail(&Error{
		Code: CodeBadValue, Message: fmt.Sprintf("%s cannot be %q", path, brief(v.text)),
		Hint: "write " + want, Pos: v.pos,
	})
}

// checkHealthFields refuses limits that compare requests for a filter of type network, which sees
// none.
func (d *decoder) checkHealthFields() {
	for _, path := range slices.Sorted(maps.Keys(d.seen)) {
		at := strings.Index(path, "health.")
		if !strings.HasPrefix(path, "rollout.") || at < 0 {
			continue
		}
		switch path[at+len("health."):] {
		case "errors", "denials", "latency":
			d.fail(&Error{
				Code: CodeConflict, Message: path + " has no meaning for type network",
				Hint: "remove it: a network filter sees no HTTP requests", Pos: d.seen[path].pos,
			})
		}
	}
}

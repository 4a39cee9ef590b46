package signal

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Report is the interesting part of a message of Envoy's metrics service. The names are parts of
// the message. The zero value is an empty report, and a report can be filled again and again.
type Report struct {
	// Identifier is the message's identifier, which has the node; nil: there is none. Envoy
	// describes the node once in a stream.
	Identifier []byte

	time     int64 // of Envoy's clock; only to tell the parts of a report from the next report
	uptime   float64
	workers  uint64
	memory   uint64
	pressure uint64
	isDelta  bool // counters are increments
	counters []counter
	times    Histogram
	buckets  Histogram // as times, from histograms in place of summaries
	summary  bool      // there was a summary
}

type counter struct {
	name  []byte
	kind  kind
	value uint64
}

// The numbers of the fields of StreamMetricsMessage and of Prometheus' MetricFamily.
const (
	fieldIdentifier = 1
	fieldFamily     = 2

	fieldName   = 1
	fieldMetric = 4

	fieldGauge     = 2
	fieldCounter   = 3
	fieldSummary   = 4
	fieldTimestamp = 6
	fieldHistogram = 7
	fieldValue     = 1

	fieldSampleCount = 1
	fieldPart        = 3 // quantile or bucket
)

// ErrMalformed says a message is no valid protocol buffer.
var ErrMalformed = errors.New("the message is malformed")

// ReadReport reads a message into r, which loses its former content.
func ReadReport(message []byte, r *Report) error {
	*r = Report{uptime: -1, counters: r.counters[:0]}
	ok := fields(message, func(number protowire.Number, content []byte, _ uint64) bool {
		switch number {
		case fieldIdentifier:
			r.Identifier = content
		case fieldFamily:
			return r.family(content)
		}
		return true
	})
	if !ok {
		return ErrMalformed
	}
	if !r.summary {
		r.times = r.buckets
	}
	return nil
}

// fields calls each with the fields of a message: a length-delimited field has content, another has
// a number. false: the message is malformed, or each has returned false.
func fields(message []byte, each func(number protowire.Number, content []byte, value uint64) bool) bool {
	for len(message) > 0 {
		number, wire, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		var content []byte
		var value uint64
		switch wire {
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			value, n = protowire.ConsumeFixed64(message)
		default:
			n = protowire.ConsumeFieldValue(number, wire, message)
		}
		if n < 0 || !each(number, content, value) {
			return false
		}
		message = message[n:]
	}
	return true
}

// family reads a stat. Stats without meaning are not read beyond the name, which comes first.
func (r *Report) family(content []byte) bool {
	var name []byte
	k := none
	return fields(content, func(number protowire.Number, content []byte, _ uint64) bool {
		switch {
		case number == fieldName && name == nil:
			name, k = content, kindOf(content)
		case number == fieldMetric && (k != none || r.time == 0):
			return r.metric(name, k, content)
		}
		return true
	})
}

func (r *Report) metric(name []byte, k kind, content []byte) bool {
	return fields(content, func(number protowire.Number, content []byte, value uint64) bool {
		switch {
		case number == fieldTimestamp:
			r.time = int64(value)
		case k == times && number == fieldSummary:
			return r.readSummary(content)
		case k == times && number == fieldHistogram:
			return r.readBuckets(content)
		case number == fieldCounter || number == fieldGauge:
			return fields(content, func(inner protowire.Number, _ []byte, value uint64) bool {
				if inner == fieldValue {
					r.value(name, k, number == fieldCounter, math.Float64frombits(value))
				}
				return true
			})
		}
		return true
	})
}

// value takes the value of a counter or a gauge.
func (r *Report) value(name []byte, k kind, isCounter bool, v float64) {
	if !(v >= 0 && v < 1<<63) {
		return
	}
	switch k {
	case uptime:
		r.uptime = v
	case workers:
		r.workers = uint64(v)
	case memory:
		r.memory = uint64(v)
	case pressure:
		r.pressure = uint64(v)
	case clustersUp:
		r.isDelta = v == 0
	case requests, errors5xx, denials4xx, reloads, custom:
		if isCounter && len(name) <= longestName {
			r.counters = append(r.counters, counter{name, k, uint64(v)})
		}
	}
}

// longestName bounds the names of counters, in bytes.
const longestName = 256

// readSummary takes the quantiles of an interval. Between two quantiles, times are spread evenly.
func (r *Report) readSummary(content []byte) bool {
	r.summary = true
	var count uint64
	var lastShare, lastTime float64
	var first bool
	return fields(content, func(number protowire.Number, content []byte, value uint64) bool {
		switch number {
		case fieldSampleCount:
			count, first = value, true
		case fieldPart:
			share, time, ok := pair(content)
			if !ok {
				return false
			}
			if count == 0 || count > 1<<40 || !(share >= lastShare && share <= 1) || math.IsNaN(time) {
				return true
			}
			if first {
				lastTime, first = time, false
			}
			below, upTo := math.Round(lastShare*float64(count)), math.Round(share*float64(count))
			r.times.spread(lastTime, time, uint64(upTo-below))
			lastShare, lastTime = share, time
		}
		return true
	})
}

// pair reads a quantile: a share and a value.
func pair(content []byte) (share, value float64, ok bool) {
	ok = fields(content, func(number protowire.Number, _ []byte, v uint64) bool {
		switch number {
		case 1:
			share = math.Float64frombits(v)
		case 2:
			value = math.Float64frombits(v)
		}
		return true
	})
	return share, value, ok
}

// readBuckets takes the buckets of an interval. The times above the last bound count as the bound.
func (r *Report) readBuckets(content []byte) bool {
	var count, below uint64
	var lastBound float64
	ok := fields(content, func(number protowire.Number, content []byte, value uint64) bool {
		switch number {
		case fieldSampleCount:
			count = value
		case fieldPart:
			var upTo uint64
			var bound float64
			ok := fields(content, func(number protowire.Number, _ []byte, v uint64) bool {
				switch number {
				case 1:
					upTo = v
				case 2:
					bound = math.Float64frombits(v)
				}
				return true
			})
			if !ok {
				return false
			}
			if upTo > below && upTo < 1<<40 {
				r.buckets.spread(lastBound, bound, upTo-below)
				below = upTo
			}
			lastBound = bound
		}
		return true
	})
	if count > below && count < 1<<40 {
		r.buckets.Observe(lastBound, count-below)
	}
	return ok
}

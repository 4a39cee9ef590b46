package delivery

import (
	"testing"
	"time"
)

// Each step of a remote delivery, by the events so far.
func TestFetchSteps(t *testing.T) {
	cfg := Config{}.withDefaults()
	start := time.Unix(1000, 0)
	pause := func() time.Duration { return time.Second }
	nack := func(f *fetch) { f.nack(&cfg, false, start, pause) }
	get := func(complete bool) func(f *fetch) {
		return func(f *fetch) {
			f.begin(start.Add(cfg.FetchLimit))
			f.end(complete, false, start, pause)
		}
	}
	tests := []struct {
		name     string
		attempts int
		events   []func(f *fetch)
		after    time.Duration
		want     fetchStep
		until    time.Duration // 0: no wait
	}{
		{name: "pushed", attempts: 1, want: fetchAnswer},
		{name: "the GET comes before the NACK", attempts: 1, events: []func(*fetch){get(true)}, want: fetchAnswer},
		{name: "refused", attempts: 1, events: []func(*fetch){nack}, want: fetchWait, until: cfg.FetchWait},
		{name: "refused, and no GET", attempts: 1, events: []func(*fetch){nack}, after: cfg.FetchWait, want: fetchNoGET},
		{name: "the GET is over", attempts: 1, events: []func(*fetch){nack, get(true)}, want: fetchWait, until: time.Second},
		{name: "the bytes are in the cache", attempts: 1, events: []func(*fetch){nack, get(true)}, after: time.Second, want: fetchPush},
		{name: "the GET broke", attempts: 1, events: []func(*fetch){nack, get(false)}, want: fetchInline},
		{name: "refused again, and no GET", attempts: 2, events: []func(*fetch){nack}, after: cfg.FetchWait, want: fetchUnloaded},
		{name: "refused a third time", attempts: remoteAttempts, events: []func(*fetch){nack}, want: fetchInline},
		{
			name: "the GET is slow", attempts: 1, want: fetchWait, until: cfg.FetchLimit,
			events: []func(*fetch){nack, func(f *fetch) { f.begin(start.Add(cfg.FetchLimit)) }},
		},
		{
			name: "the GET takes too long", attempts: 1, want: fetchInline, after: cfg.FetchLimit,
			events: []func(*fetch){nack, func(f *fetch) { f.begin(start.Add(cfg.FetchLimit)) }},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fetch{attempts: tt.attempts}
			for _, event := range tt.events {
				event(f)
			}
			step, until, reason := f.next(start.Add(tt.after))
			if step != tt.want || !until.IsZero() && until.Sub(start) != tt.until || until.IsZero() != (tt.until == 0) || (reason != "") != (step == fetchInline) {
				t.Errorf("step %d until %v, %q", step, until, reason)
			}
		})
	}
}

// A full window is filled again when half of it is answered.
func TestWindow(t *testing.T) {
	var w window
	load := weight{loads: 1, bytes: 10}
	for range 4 {
		if !w.hasRoom(4) || w.isFull() {
			t.Fatalf("%+v", w)
		}
		w.add(load, 4, true)
	}
	w.remove(load, 4)
	if !w.isFull() {
		t.Error("one answer opens a full window")
	}
	w.remove(load, 4)
	if w.isFull() || !w.hasRoom(4) {
		t.Errorf("half of the window is answered: %+v", w)
	}
	if w.add(weight{bytes: windowBytes}, 4, true); w.hasRoom(4) || w.isFull() {
		t.Errorf("too many bytes: %+v", w)
	}
}

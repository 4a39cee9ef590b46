package control

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestNackKinds(t *testing.T) {
	for want, a := range map[api.NackKind]delivery.WasRefused{
		api.NackRejected:  {Variant: delivery.Inline, Verdict: true},
		api.NackNotCached: {Variant: delivery.Remote},
		api.NackType:      {Variant: delivery.Remote, WrongType: true},
		api.NackOther:     {Variant: delivery.File},
	} {
		if got := nackKind(a); got != want {
			t.Errorf("%+v: %s, want %s", a, got, want)
		}
	}
}

// TestLogSaysOnceAndTruly: an unreadable source makes a single line. The log never
// reports a filter without a good revision as served.
func TestLogSaysOnceAndTruly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		told := make(endingSource)
		c := newChecked(&fakeSandbox{}, func(cfg *Config) { cfg.Source, cfg.Directory, cfg.Logger = told, "/specs", zap.New(core) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		say := func(set source.Set) []string {
			told <- &set
			synctest.Wait()
			var lines []string
			for _, l := range logs.TakeAll() {
				lines = append(lines, l.Message)
			}
			return lines
		}
		const never = "there is none before it that is good"
		if got := say(configured(map[string]string{"auth": "bad"})); len(got) != 1 || !strings.Contains(got[0], never) {
			t.Errorf("the first one is refused: %q", got)
		}
		if got := say(configured(map[string]string{"auth": "good"})); len(got) != 0 {
			t.Errorf("a good one: %q", got)
		}
		gone := source.Set{Unavailable: &spec.Error{Code: "directory_missing", Message: "it is not there", Pos: spec.Position{File: "/specs"}}}
		if got := say(gone); len(got) != 1 || !strings.HasPrefix(got[0], "a source cannot be read") {
			t.Errorf("the directory has gone: %q", got)
		}
		if got := say(gone); len(got) != 0 {
			t.Errorf("it is still gone: %q", got)
		}
		broken := source.Set{Errors: []*spec.Error{{Code: "bad_value", Name: "new", Message: "bad"}, {Code: "bad_value", Message: "no name"}}}
		if got := say(broken); len(got) != 2 || !strings.Contains(got[0], never) || !strings.Contains(got[1], "what it described before is served on") {
			t.Errorf("broken: %q", got)
		}
		cancel()
		<-ended
	})
}

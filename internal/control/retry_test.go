package control

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// passing is a sandbox that refuses a filter the first time, for a temporary cause.
type passing struct {
	runs     atomic.Int32
	versions bool // the refusal is for a version of Envoy only
}

func (p *passing) Examine(context.Context, *spec.Spec, snapshot.Module, *string) (examine.Findings, *spec.Error) {
	switch first := p.runs.Add(1) == 1; {
	case !first:
		return examine.Findings{}, nil
	case p.versions:
		return examine.Findings{Refusals: []snapshot.Refusal{{Versions: []string{"1.36"}, Code: "import_missing"}}}, nil
	default:
		return examine.Findings{Errors: []examine.Finding{{Code: "start_failed", Message: "no memory"}}}, nil
	}
}

// awaitChecks waits until the sandbox and the workers have nothing to do.
func (c *Control) awaitChecks(ctx context.Context) {
	for c.reading()+c.view.Specs.Checks().Queue.Len() > 0 {
		c.take(ctx, <-c.inbox.messages)
	}
}

func TestRetryOfWhatTheSandboxRefuses(t *testing.T) {
	ctx := t.Context()
	x := &passing{}
	c := newChecked(x)
	c.takeAndWait(configured(map[string]string{"a": "good"}))
	if got := c.shown("a"); got != "nothing, error start_failed" {
		t.Fatalf("at first: %q", got)
	}
	c.takeAndWait(configured(map[string]string{"a": "good"}))
	if x.runs.Load() != 1 {
		t.Fatalf("it is tried %d times without a retry", x.runs.Load())
	}
	if problem := retry(ctx, c, "a", "", "ann"); problem != nil {
		t.Fatalf("the retry: %+v", problem)
	}
	if got := c.shown("a"); got != "nothing preparing" {
		t.Errorf("meanwhile: %q", got)
	}
	c.awaitChecks(ctx)
	if got := c.shown("a"); got != "good" || x.runs.Load() != 2 {
		t.Errorf("after it: %q, %d runs", got, x.runs.Load())
	}
}

func TestRetryOfWhatTheSandboxRefusesForAVersion(t *testing.T) {
	ctx := t.Context()
	x := &passing{versions: true}
	c := newChecked(x)
	c.takeAndWait(configured(map[string]string{"a": "good", "b": "good"}))
	refused := ""
	for _, name := range []string{"a", "b"} {
		if r := c.view.Snapshot.Get(name).Revision; r.RefusalFor("1.36.4") != nil {
			refused = name
		}
	}
	if problem := retry(ctx, c, refused, "", "ann"); problem != nil {
		t.Fatalf("the retry: %+v", problem)
	}
	if r := c.view.Snapshot.Get(refused).Revision; r == nil {
		t.Error("nothing is served meanwhile")
	}
	c.awaitChecks(ctx)
	if r := c.view.Snapshot.Get(refused).Revision; r == nil || r.RefusalFor("1.36.4") != nil {
		t.Errorf("after it: %+v", r)
	}
	c.advance(ctx)
	if left := c.view.Specs.Unfinished(); len(left) != 0 {
		t.Errorf("%d specs are still unfinished", len(left))
	}
}

func TestRetryAndPromoteSayWhyNot(t *testing.T) {
	c := newChecked(&fakeSandbox{})
	if problem := retry(t.Context(), c, "a", "", "ann"); problem == nil || problem.Code != api.CodeNoFilter {
		t.Errorf("an unknown name: %+v", problem)
	}
	c.takeAndWait(configured(map[string]string{"a": "good"}))
	id := c.view.Snapshot.Get("a").Revision.ID
	for revision, code := range map[string]string{"": command.CodeNothingToRetry, id: command.CodeNothingToRetry, id[:3]: command.CodeNothingToRetry, "ffffffffffff": api.CodeNoRevision} {
		if problem := retry(t.Context(), c, "a", revision, "ann"); problem == nil || problem.Code != code {
			t.Errorf("%q: %+v, want %s", revision, problem, code)
		}
	}
	promote := func(name string) (api.Filter, *api.Error) {
		return c.steer(name, steering{action: "promote", may: command.Promote, event: func(revision string) delivery.Event {
			return delivery.Promoted{Name: name, Revision: revision}
		}})
	}
	if _, problem := promote("b"); problem == nil || problem.Code != api.CodeNoFilter {
		t.Errorf("promote an unknown name: %+v", problem)
	}
	if f, problem := promote("a"); problem != nil || f.RolloutStatus == nil || !f.RolloutStatus.Promoted {
		t.Errorf("promote before any Envoy has come: %+v, %+v", f, problem)
	}
	envoy := func(id delivery.StreamID) {
		c.deliverer.step(delivery.StreamOpened{Stream: id, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, Delta: true})
		c.deliverer.step(delivery.Requested{Stream: id, Subscribe: []delivery.Subscription{{Name: "a"}}})
	}
	envoy(1)
	c.deliverer.step(delivery.Requested{Stream: 1, Answer: &delivery.Answer{Name: "a", Nack: true, Message: "Unable to create Wasm plugin"}})
	if _, problem := promote("a"); problem == nil || problem.Code != delivery.CodeRejected {
		t.Errorf("promote what was refused: %+v", problem)
	}
	if problem := retry(t.Context(), c, "a", id[:4], "ann"); problem != nil {
		t.Errorf("retry what was refused: %+v", problem)
	}
	c.deliverer.step(delivery.StreamClosed{Stream: 1})
	envoy(2)
	c.deliverer.step(delivery.Requested{Stream: 2, Answer: &delivery.Answer{Name: "a"}})
	if _, problem := promote("a"); problem == nil || problem.Code != command.CodeNothingToPromote {
		t.Errorf("promote what is everyone's: %+v", problem)
	}
}

package track

import (
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	fileA = "file /a.wasm   envoy.wasm.runtime.v8"
	urlB  = "url https://b.example/b.wasm 00 envoy.wasm.runtime.v8"
)

// Each phase is passed once: local files are read together, a download and the sandbox keep no
// other spec waiting.
func TestAJourney(t *testing.T) {
	r := newRig(t)
	a, b, c := fileSpec("a", "/a.wasm"), urlSpec("b", "https://b.example/b.wasm"), fileSpec("c", "/a.wasm")
	r.take(a, b, c)
	r.want("at first", "a=reading, b=reading, c=reading", fileA+", "+urlB)
	if !r.work.Wait {
		t.Error("a plan is due before the local files are read")
	}
	r.result("/a.wasm", moduleOf("aa"))
	r.want("with the file", "a=checking, b=reading, c=checking", "")
	if r.work.Wait {
		t.Error("a plan waits for a download")
	}
	r.found(examine.Findings{})
	r.found(examine.Findings{Errors: []examine.Finding{{Code: "import_missing"}}})
	r.want("with the findings", "a=ready, b=reading, c=failed import_missing", "")
	if len(r.work.News) != 2 || r.work.News[1].Err == nil {
		t.Errorf("the news are %+v", r.work.News)
	}
	r.result("b.wasm", moduleOf("bb"))
	if len(r.work.News) != 0 {
		t.Errorf("news come again: %+v", r.work.News)
	}
	r.want("with the download", "a=ready, b=checking, c=failed import_missing", "")
	r.found(examine.Findings{})
	r.want("at last", "a=ready, b=ready, c=failed import_missing", "")
	if made := r.specs.Made(); made[0] == nil || made[1] == nil || made[2] != nil {
		t.Errorf("made are %+v", made)
	}
	r.take(a, b, c)
	r.want("the same set", "a=ready, b=ready, c=failed import_missing", "")
	if len(r.specs.Unfinished()) != 1 {
		t.Errorf("a plan looks into %d specs", len(r.specs.Unfinished()))
	}
}

// Content that was read and tried before needs neither again.
func TestTheReversalOfAnEditCostsNothing(t *testing.T) {
	r := newRig(t)
	first := fileSpec("a", "/a.wasm")
	r.take(first)
	r.result("/a.wasm", moduleOf("aa"))
	r.found(examine.Findings{})
	r.take(fileSpec("a", "/b.wasm"))
	r.result("/b.wasm", moduleOf("bb"))
	r.found(examine.Findings{})
	r.take(fileSpec("a", "/a.wasm"))
	r.want("the way back", "a=ready", "")
	if r.work.Known != 1 || r.next() != nil {
		t.Errorf("%d specs have known findings", r.work.Known)
	}
}

func TestAReadThatFailsIsRepeated(t *testing.T) {
	r := newRig(t)
	r.take(urlSpec("b", "https://b.example/b.wasm"))
	for _, wait := range []time.Duration{15 * time.Second, 30 * time.Second} {
		r.result("b.wasm", Result{Err: &spec.Error{Code: module.CodeDownloadFailed}})
		r.want("a failure", "b=failed "+module.CodeDownloadFailed, "")
		if next := r.specs.Next(); next != r.now.Add(wait) {
			t.Errorf("the next try is due in %v, want %v", next.Sub(r.now), wait)
		}
		if r.specs.Wake(r.now) {
			t.Error("it is due already")
		}
		r.now = r.specs.Next()
		if !r.specs.Wake(r.now) {
			t.Error("it is not due in time")
		}
		r.advance()
		r.want("another try", "b=reading", urlB)
	}
	r.result("b.wasm", moduleOf("bb"))
	r.want("a success", "b=checking", "")
	if !r.specs.Next().Equal(r.now.Add(time.Second)) { // the queue's next publication
		t.Errorf("the next wake is due at %v", r.specs.Next())
	}
	r.take(urlSpec("b", "https://elsewhere.example/b.wasm"))
	r.result("elsewhere", Result{Err: &spec.Error{Code: "wrong_digest"}})
	r.want("an error for good", "b=failed wrong_digest", "")
	if r.specs.Wake(r.now.Add(time.Hour)) {
		t.Error("it is tried again")
	}
}

// A download ends with its spec, and its result does not count then.
func TestADownloadEndsWithItsSpec(t *testing.T) {
	r := newRig(t)
	b := urlSpec("b", "https://b.example/b.wasm")
	r.take(b)
	task := r.work.Start[0]
	if !r.specs.TakeWait(task, transfer.Wait{Why: "503"}) || r.specs.TakeWait(task, transfer.Wait{Why: "503"}) {
		t.Error("the reason for a pause is news once")
	}
	if got := r.specs.Get("b").Wait().Why; got != "503" {
		t.Errorf("it waits for %q", got)
	}
	r.take(fileSpec("a", "/a.wasm"))
	r.want("the spec is gone", "a=reading", fileA+", !"+urlB)
	if counts, _ := r.specs.TakeResult(task, moduleOf("bb"), r.now); counts {
		t.Error("the result of a download that was stopped counts")
	}
	r.take(b)
	r.want("the spec is back", "b=reading", urlB)
	if r.work.Start[0] == task {
		t.Error("it is the same download")
	}
}

// A tag is looked up with the first download; specs with the digest share the module then.
func TestATagIsLearnedOnce(t *testing.T) {
	r := newRig(t)
	s := scaledSpec(0, "one")
	ref, err := spec.ParseReference("r.example/a:v1")
	if err != nil {
		t.Fatal(err)
	}
	s.Name, s.Module = "a", spec.Module{OCI: ref}
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
	r.take(s)
	got := moduleOf("aa")
	got.Module.Digest = digest
	if !r.result("of a", got) {
		t.Error("the digest is not learned")
	}
	r.want("with the digest", "a=checking", "")
	if m := r.specs.Get("a").content.module; m.Reference != "r.example/a:v1" || m.Digest != digest {
		t.Errorf("the module is %+v", m)
	}
	r.found(examine.Findings{})
	r.want("at last", "a=ready", "")
}

// A module's bytes may be gone when the sandbox wants them.
func TestAModuleThatIsGone(t *testing.T) {
	r := newRig(t)
	r.take(fileSpec("a", "/a.wasm"))
	r.result("/a.wasm", moduleOf("aa"))
	r.end(End{Check: r.next(), Err: &spec.Error{Code: module.CodeStoreFailed}})
	r.want("it is gone", "a=failed "+module.CodeStoreFailed, "")
	r.now = r.now.Add(time.Second) // this machine's disk is asked again soon
	if !r.specs.Wake(r.now) {
		t.Error("it is not read again")
	}
	r.advance()
	r.result("/a.wasm", moduleOf("aa"))
	r.found(examine.Findings{})
	r.want("it is back", "a=ready", "")
}

func TestRetry(t *testing.T) {
	r := newRig(t)
	r.take(fileSpec("a", "/a.wasm"), urlSpec("b", "https://b.example/b.wasm"))
	r.result("/a.wasm", moduleOf("aa"))
	r.found(examine.Findings{Errors: []examine.Finding{{Code: "start_failed"}}})
	r.result("b.wasm", Result{Err: &spec.Error{Code: "wrong_digest"}})
	r.want("at first", "a=failed start_failed, b=failed wrong_digest", "")
	if !r.specs.Retry(r.specs.Get("a"), r.now) || r.specs.Retry(r.specs.Get("b"), r.now) {
		t.Error("findings are dropped of a alone")
	}
	r.advance()
	r.want("again", "a=checking, b=reading", urlB)
	r.found(examine.Findings{})
	r.want("at last", "a=ready, b=reading", "")
	r.specs.Retry(r.specs.Get("a"), r.now)
	r.advance()
	r.want("one that is ready", "a=checking, b=reading", "")
	if r.specs.Made()[0] != nil || len(r.specs.Unfinished()) != 2 {
		t.Error("the plan does not look into it")
	}
}

// A check past the time limit is repeated; until then its findings count as an error.
func TestACheckThatTakesTooLong(t *testing.T) {
	r := newRig(t)
	r.take(fileSpec("a", "/a.wasm"))
	r.result("/a.wasm", moduleOf("aa"))
	late := examine.Findings{Errors: []examine.Finding{{Code: "step_timeout", Late: true}}}
	r.found(late)
	r.want("the first time", "a=checking step_timeout", "")
	r.found(late)
	r.now = r.specs.Next()
	r.advance()
	r.want("the second time", "a=checking step_timeout", "")
	r.found(examine.Findings{})
	r.want("the third time", "a=ready", "")
}

// Everything is read again after the store was damaged. Unneeded results are dropped.
func TestRereadAndTrim(t *testing.T) {
	r := newRig(t)
	r.take(fileSpec("a", "/a.wasm"))
	r.result("/a.wasm", moduleOf("aa"))
	r.found(examine.Findings{})
	r.specs.Reread()
	r.advance()
	r.want("again", "a=reading", fileA)
	r.result("/a.wasm", moduleOf("bb"))
	r.found(examine.Findings{})
	r.take(fileSpec("b", "/b.wasm"))
	sums := func() (all []string) {
		r.specs.Modules(func(sum string) { all = append(all, sum) })
		slices.Sort(all)
		return all
	}
	if got := sums(); !slices.Equal(got, []string{"bb"}) {
		t.Errorf("before: %v", got)
	}
	r.specs.Trim()
	if got := sums(); len(got) != 0 || len(r.specs.reads.all) != 1 {
		t.Errorf("after: %v, %d reads", got, len(r.specs.reads.all))
	}
	if names, reading := r.specs.Pending(); !reading || len(names) != 0 {
		t.Errorf("pending: %v, %v", names, reading)
	}
}

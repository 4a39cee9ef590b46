package etcd

import (
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// told tells who leads and whether etcd answers, each once until it changes. It belongs to Run's
// goroutine.
type told struct {
	tell    func(ledger.Event)
	log     *zap.Logger
	last    ledger.Led
	said    bool // whether last was told
	ok, any bool // the last Reached; any: there was one
	code    string
}

// led tells who leads.
func (t *told) led(term int64, leader string) {
	now := ledger.Led{Term: term, Leader: leader}
	if t.said && now == t.last {
		return
	}
	switch {
	case term != 0:
		t.log.Info("this replica leads", zap.Int64("term", term))
	case t.last.Term != 0:
		t.log.Info("this replica does not lead any more", zap.String("leader", leader))
	case leader != "" && leader != t.last.Leader:
		t.log.Info("another replica leads", zap.String("leader", leader))
	}
	t.last, t.said = now, true
	t.tell(now)
}

// reached tells whether etcd answers. The log has each kind of problem once.
func (t *told) reached(ok bool, problem *spec.Error) {
	switch {
	case ok && t.any && t.ok:
		return
	case ok:
		t.log.Info("etcd answers: this replica decides together with the others")
		t.tell(ledger.Reached{OK: true})
	default:
		why := "etcd does not answer"
		if problem != nil {
			why = problem.Message
		}
		if !t.any || t.ok || t.code != codeOf(problem) {
			t.log.Error("the replicas cannot agree: every Envoy keeps what it has, and new revisions wait",
				zap.String("reason", why), zap.String("hint", hintOf(problem)))
		}
		t.tell(ledger.Reached{Why: why})
	}
	t.ok, t.any, t.code = ok, true, codeOf(problem)
}

func codeOf(p *spec.Error) string {
	if p == nil {
		return ""
	}
	return p.Code
}

func hintOf(p *spec.Error) string {
	if p == nil {
		return ""
	}
	return p.Hint
}

package command

import "github.com/wasm-xds/wasm-xds/internal/api"

// The codes of the errors of commands that several replicas decide about.
const (
	CodeNoLedger      = "ledger_unreachable" // the replicas cannot agree now
	CodeNoOutcome     = "no_outcome"         // the leader has not answered in time
	CodeLeaderRefused = "leader_refused"     // the leader has not carried the command out
)

// NoLedger is the error of a command while the shared decisions cannot be reached.
func NoLedger(why string) *api.Error {
	return &api.Error{
		Code: CodeNoLedger, Message: "the replicas cannot agree on a command now: " + why,
		Hint: "Envoys go on with what they have; try again when etcd answers",
	}
}

// NoOutcome is the error of a command without an answer of the leader.
func NoOutcome(leader string) *api.Error {
	e := &api.Error{
		Code: CodeNoOutcome, Message: "no replica leads at the moment, so nobody has carried the command out yet",
		Hint: "look with `wasm-xds status` whether it had its effect, and try again otherwise",
	}
	if leader != "" {
		e.Message = "the leader, replica " + leader + ", has not answered in time; it may still carry the command out"
	}
	return e
}

// LeaderRefused is the error of a command that the leader has not carried out.
func LeaderRefused(why string) *api.Error {
	return &api.Error{Code: CodeLeaderRefused, Message: why, Hint: "`wasm-xds status` shows how the filter is now"}
}

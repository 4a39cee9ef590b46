package command

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// The codes of the errors of retry and promote.
const (
	CodeNothingToRetry   = "nothing_to_retry"   // nothing was refused
	CodeNothingToPromote = "nothing_to_promote" // no rollout is under way
)

// NoFilter is the error for a name without a filter.
func NoFilter(name string) *api.Error {
	return &api.Error{Code: api.CodeNoFilter, Message: fmt.Sprintf("no filter is named %q", name)}
}

// CodeNothingToCompare is the code of a difference between fewer than two revisions.
const CodeNothingToCompare = "nothing_to_compare"

// NothingToCompare is the error for a filter with fewer than two revisions.
func NothingToCompare(name string) *api.Error {
	return &api.Error{
		Code: CodeNothingToCompare, Message: fmt.Sprintf("filter %q has no two revisions to compare", name),
		Hint: "`wasm-xds history " + name + "` lists the revisions",
	}
}

// NoRevision is the error for the begin of an id that found revisions have.
func NoRevision(name, id string, found int) *api.Error {
	e := &api.Error{
		Code: api.CodeNoRevision, Message: fmt.Sprintf("filter %q has no revision %s", name, id),
		Hint: "`wasm-xds history " + name + "` lists the revisions",
	}
	if found > 1 {
		e.Message = fmt.Sprintf("%d revisions of filter %q begin with %s", found, name, id)
		e.Hint = "give more of its digits: " + e.Hint
	}
	return e
}

// NotReadYet is the error of a command before the specs were read for the first time.
func NotReadYet() *api.Error {
	return &api.Error{
		Code: "specs_not_read", Message: "the server has just started and has not read the specs yet", Hint: "try again in a moment",
	}
}

// Stopping is the error of a command that the server does not take any more.
func Stopping() *api.Error {
	return &api.Error{Code: "stopping", Message: "the server is stopping"}
}

// SyncTimeout is the error of a sync that did not end in time. missing is the work that is left.
func SyncTimeout(missing string) *api.Error {
	return &api.Error{
		Code: api.CodeSyncTimeout, Message: "the specs are not read, fetched and tried in the given time: " + missing,
		Hint: "give it a longer timeout; `wasm-xds status` shows what is wrong meanwhile",
	}
}

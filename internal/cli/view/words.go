package view

import (
	"cmp"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// ModuleName is the module's image, or else a prefix of its sha256.
func ModuleName(m api.Module) string {
	if m.Reference != "" {
		return m.Reference + " = " + m.Digest
	}
	return "sha256 " + m.SHA256[:min(len(m.SHA256), 12)]
}

// plain is a cell with a text from elsewhere; an empty text becomes a dash.
func plain(text string) terminal.Cell {
	return terminal.Cell{Text: cmp.Or(terminal.Printable(text), "-")}
}

// live is how many of the filter's Envoys run the wanted content.
func live(f *api.Filter) string { return fmt.Sprintf("%d/%d", f.Envoys.Live, f.Envoys.Total) }

// state is a filter's state in a word or two, with its colour. Green: every Envoy runs the
// content.
func state(f *api.Filter) (string, terminal.Color) {
	switch {
	case f.State == api.FilterRejected, f.State == api.FilterUnknown:
		return string(f.State), terminal.Red
	case f.Failure() != nil:
		return "with error", terminal.Red
	case f.Disabled:
		return "disabled", terminal.Yellow
	case f.State == api.FilterRemoved:
		return "removed", terminal.Yellow
	case f.Condition == api.ConditionNoEnvoy:
		return "no Envoy", terminal.Faint
	case f.Condition == api.ConditionEnvoysGone:
		return "Envoys gone", terminal.Yellow
	case f.State != api.FilterActive:
		return string(f.State), terminal.Yellow
	case f.RolloutStatus != nil && f.RolloutStatus.State != api.RolloutStopped:
		return rolloutState(f.RolloutStatus), terminal.Yellow
	case f.Candidate != "":
		return "rolling out", terminal.Yellow
	case f.Pinned:
		return "pinned", terminal.Yellow
	case f.Error != nil && f.Error.Code == api.CodeRolledBack:
		return "rolled back", terminal.Yellow
	case f.Condition == api.ConditionProgressing:
		return "updating", terminal.Yellow
	default:
		return string(f.State), terminal.Green
	}
}

// rolloutState is the state of a rollout under way.
func rolloutState(r *api.RolloutStatus) string {
	switch r.State {
	case api.RolloutProgressing:
		return "rolling out"
	case api.RolloutWaiting:
		return "waits"
	default:
		return string(r.State)
	}
}

func subscriberState(s api.SubscriberState) terminal.Cell {
	cell := plain(string(s))
	switch s {
	case api.SubscriberLive:
		cell.Color = terminal.Green
	case api.SubscriberRejected, api.SubscriberDenied, api.SubscriberUnsupported:
		cell.Color = terminal.Red
	case api.SubscriberGone:
		cell.Color = terminal.Faint
	default:
		cell.Color = terminal.Yellow
	}
	return cell
}

// Target is the revision that all Envoys are to run.
func Target(f *api.Filter) string {
	if f.Candidate != "" {
		return f.Candidate
	}
	return f.Revision
}

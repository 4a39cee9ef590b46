package control

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
)

// rolloutBack is the outcome, in the metrics, of a rollout that was taken back.
const rolloutBack = "went_back"

// moved publishes an event of a rollout.
func (n *notices) moved(a delivery.RolloutMoved, now time.Time) {
	e := api.Event{
		Type: api.EventType(a.Move), Name: a.Name, Candidate: a.Revision, Wave: a.Wave, By: a.By, Message: movedText(a), Time: now,
	}
	switch a.Move {
	case rollout.WentBack:
		n.end(a.Name, rolloutBack)
		e.Cause = api.CauseHealth
		if a.By != "" {
			e.Cause = api.CauseHand
		}
	case rollout.DeadlinePassed:
		n.metrics.RolloutOverdue()
	case rollout.WavePassed, rollout.Soaked, rollout.Waits, rollout.Promoted, rollout.Watched, rollout.Stopped:
	}
	n.hub.Publish(e)
}

// waveName is canary, 10%, all, or "first 5" for a number of Envoys.
func waveName(wave string) string {
	if strings.Trim(wave, "0123456789") == "" {
		return "first " + wave
	}
	return wave
}

// movedText is the event in a sentence.
func movedText(a delivery.RolloutMoved) string {
	of := fmt.Sprintf("revision %s of %s", a.Revision, a.Name)
	switch a.Move {
	case rollout.WavePassed:
		return of + ": the wave " + waveName(a.Wave) + " is over, and the next begins"
	case rollout.Soaked:
		return of + ": the soak of the wave " + waveName(a.Wave) + " is over"
	case rollout.Waits:
		return of + ": the wave " + waveName(a.Wave) + " waits for `wasm-xds rollout promote " + a.Name + "`"
	case rollout.Promoted:
		return of + " goes to all Envoys"
	case rollout.Watched:
		return of + ": the watch after the rollout is over, and the revision stays"
	case rollout.DeadlinePassed:
		return of + " is overdue: " + a.Reason
	default:
		return a.Reason
	}
}

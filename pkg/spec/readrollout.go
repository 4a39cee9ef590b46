package spec

import (
	"fmt"
	"strings"
	"time"
)

const (
	maxSoak   = 7 * 24 * time.Hour
	maxCanary = 1_000_000 // Envoys
	maxWaves  = 20
)

// readRollout reads the section rollout into c and r.
func readRollout(d *decoder, v *node, c *Canary, r *Rollout) {
	// The steps are read last, because the first step is compared with the canaries, and the health
	// of a step begins with that of the rollout.
	var steps *node
	base := DefaultHealth()
	d.section("rollout", v, fields{
		"canary":     func(_, v *node) { *c = readCanary(d, v) },
		"steps":      func(_, v *node) { steps = v },
		"soak":       func(_, v *node) { r.Soak = d.duration("rollout.soak", v, 0, maxSoak) },
		"pause":      func(_, v *node) { r.Pause = d.boolean("rollout.pause", v) },
		"deadline":   func(_, v *node) { r.Deadline = readDeadline(d, v) },
		"onDeadline": func(_, v *node) { r.OnDeadline = readOnDeadline(d, v) },
		"health": func(_, v *node) {
			r.Health = readHealth(d, "rollout.health", v, base, false)
			base = *r.Health
		},
	})
	if steps != nil {
		r.Steps = readSteps(d, steps, base)
	}
	if len(r.Steps) > 0 {
		checkSteps(d, steps, *c, r.Steps)
	}
	if key := d.seen["rollout.onDeadline"]; key != nil && r.OnDeadline == Back && r.Deadline < 0 {
		d.fail(&Error{
			Code: CodeConflict, Message: "rollout.onDeadline has no meaning without a deadline",
			Hint: "remove it, or give rollout.deadline a time", Pos: key.pos,
		})
	}
}

// readCanary reads a number of Envoys, a percentage or a selection.
func readCanary(d *decoder, v *node) Canary {
	switch v.kind {
	case kindMap:
		selector := readSelector(d, "rollout.canary", v)
		return Canary{Selector: &selector}
	case kindNumber:
		return Canary{Count: d.whole("rollout.canary", v, v.text, 0, maxCanary)}
	case kindString:
		if percent, ok := strings.CutSuffix(v.text, "%"); ok {
			return Canary{Percent: d.whole("rollout.canary in percent", v, percent, 1, 100)}
		}
	case kindInvalid:
		return Canary{}
	}
	d.fail(&Error{
		Code: CodeWrongType, Message: "rollout.canary must be a number of Envoys, a percentage or a selection, not " + v.kind.String(),
		Hint: "write it as 1, 10% or {ids: [edge-1]}", Pos: v.pos,
	})
	return Canary{}
}

// readDeadline reads the deadline of each wave. No deadline is written as 0s.
func readDeadline(d *decoder, v *node) time.Duration {
	before := len(d.errs)
	deadline := d.duration("rollout.deadline", v, 0, maxSoak)
	if deadline == 0 && len(d.errs) == before {
		return -1
	}
	return deadline
}

// readOnDeadline reads hold as the zero value, which is the default.
func readOnDeadline(d *decoder, v *node) OnDeadline {
	if choice(d, "rollout.onDeadline", v, Hold, Back) == Back {
		return Back
	}
	return ""
}

// readSteps reads the waves between the canaries and all Envoys.
func readSteps(d *decoder, v *node, base Health) []Step {
	if !d.is("rollout.steps", v, kindList) {
		return nil
	}
	if len(v.items) > maxWaves {
		d.failf(CodeBadValue, v, "rollout.steps has %d steps, and may have %d", len(v.items), maxWaves)
		return nil
	}
	steps := make([]Step, len(v.items))
	for i, item := range v.items {
		steps[i] = readStep(d, fmt.Sprintf("rollout.steps[%d]", i), item, base)
	}
	return steps
}

// readStep reads a share of the Envoys, or a mapping with the share and the step's own values.
func readStep(d *decoder, path string, v *node, base Health) (s Step) {
	if v.kind != kindMap {
		return readShare(d, path, v)
	}
	var soak *time.Duration
	var health *Health
	d.section(path, v, fields{
		"to":     func(_, v *node) { s = readShare(d, path+".to", v) },
		"soak":   func(_, v *node) { own := d.duration(path+".soak", v, 0, maxSoak); soak = &own },
		"health": func(_, v *node) { health = readHealth(d, path+".health", v, base, true) },
	})
	if !d.has(path + ".to") {
		d.fail(&Error{
			Code: CodeMissingField, Message: path + ".to is missing",
			Hint: "say how many Envoys have the revision after the step, as in {to: 10%}", Pos: v.pos,
		})
	}
	s.Soak, s.Health = soak, health
	return s
}

// readShare reads a number of Envoys or a percentage.
func readShare(d *decoder, path string, v *node) Step {
	switch v.kind {
	case kindNumber:
		return Step{Count: d.whole(path, v, v.text, 1, maxCanary)}
	case kindString:
		if percent, ok := strings.CutSuffix(v.text, "%"); ok {
			return Step{Percent: d.whole(path+" in percent", v, percent, 1, 100)}
		}
	case kindInvalid:
		return Step{}
	}
	d.fail(&Error{
		Code: CodeWrongType, Message: path + " must be a number of Envoys or a percentage, not " + v.kind.String(),
		Hint: "write it as 5, 10% or {to: 10%, soak: 1m}", Pos: v.pos,
	})
	return Step{}
}

// checkSteps reports steps that do not rise. A number of Envoys and a percentage are not compared:
// the fleet decides which is more.
func checkSteps(d *decoder, v *node, canary Canary, steps []Step) {
	if canary == (Canary{}) && d.seen["rollout.canary"] != nil {
		d.fail(&Error{
			Code: CodeConflict, Message: "rollout.steps has no meaning with canary 0: all Envoys get a revision at once",
			Hint: "remove the steps, or let some Envoys be canaries", Pos: v.pos,
		})
		return
	}
	before, name := Step{Percent: canary.Percent, Count: canary.Count}, "rollout.canary"
	for i, s := range steps {
		if s.Percent > 0 && s.Percent <= before.Percent || s.Count > 0 && s.Count <= before.Count {
			d.fail(&Error{
				Code: CodeBadValue, Message: fmt.Sprintf("rollout.steps[%d] is %s, and %s is %s already", i, s, name, before),
				Hint: "let the steps rise: each includes the Envoys of the one before", Pos: v.items[i].pos,
			})
		}
		before, name = s, fmt.Sprintf("rollout.steps[%d]", i)
	}
}

package spec

import (
	"strings"
	"time"
)

const (
	maxSoak   = 7 * 24 * time.Hour
	maxCanary = 1_000_000 // Envoys
)

// readRollout reads the section rollout into c.
func readRollout(d *decoder, v *node, c *Canary) {
	d.section("rollout", v, fields{
		"canary": func(_, v *node) { *c = readCanary(d, v) },
		"soak": func(key, v *node) {
			if d.duration("rollout.soak", v, 0, maxSoak) > 0 {
				d.notYet("rollout.soak", "remove it for now, or set it to 0s")(key, v)
			}
		},
	})
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

package report

import (
	"fmt"
	"math"
	"strconv"
)

// Goal is the goal of a figure. The zero value means no goal.
type Goal struct {
	Most float64 // largest allowed value
	Aim  float64 // a better value to aim at; 0: none
	// Absolute means that Most is in the figure's own unit. Otherwise Most is a ratio.
	Absolute bool
}

func (g Goal) isSet() bool { return g.Most != 0 }

// judged returns the number to compare with the goal.
func (g Goal) judged(r Row) float64 {
	if g.Absolute {
		return r.Ours
	}
	return r.Ratio()
}

// met reports whether the row meets the goal. Without a reference, a row meets no goal for its
// ratio.
func (g Goal) met(r Row) bool { return g.judged(r) <= g.Most }

func (g Goal) aimMet(r Row) bool { return g.judged(r) <= g.Aim }

// text formats the goal in the figure's unit.
func (g Goal) text(u Unit) string {
	switch {
	case !g.isSet():
		return ""
	case g.Absolute:
		return "≤ " + u.Format(g.Most)
	case g.Aim != 0:
		return fmt.Sprintf("≤ %v, aim %v", g.Most, g.Aim)
	default:
		return fmt.Sprintf("≤ %v", g.Most)
	}
}

// ratioText formats the ratio with two digits, or with more digits if they are necessary to show
// a miss: 1.052 exceeds 1.05.
func ratioText(r Row, g Goal) string {
	ratio := r.Ratio()
	if math.IsNaN(ratio) {
		return "–"
	}
	places := 2
	for ; g.isSet() && !g.Absolute && places < 5; places++ {
		shown, err := strconv.ParseFloat(strconv.FormatFloat(ratio, 'f', places, 64), 64)
		if err != nil || (shown <= g.Most) == (ratio <= g.Most) {
			break
		}
	}
	return fmt.Sprintf("**%.*f**", places, ratio)
}

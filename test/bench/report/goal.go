package report

import (
	"fmt"
	"math"
	"strconv"
)

// Goal is what is wanted of a figure. The zero value wants nothing.
type Goal struct {
	Most float64 // that it may be
	Aim  float64 // what would be better still; 0: no more than that is wanted
	// Absolute says that Most is in the figure's own unit, and no ratio.
	Absolute bool
}

func (g Goal) isSet() bool { return g.Most != 0 }

// judged is the number that the goal is about.
func (g Goal) judged(r Row) float64 {
	if g.Absolute {
		return r.Ours
	}
	return r.Ratio()
}

// met says whether the row is as wanted. A row without a reference meets no goal for its ratio.
func (g Goal) met(r Row) bool { return g.judged(r) <= g.Most }

func (g Goal) aimMet(r Row) bool { return g.judged(r) <= g.Aim }

// text is the goal in the unit of the figure.
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

// ratioText is the ratio in two digits, or in as many more as it takes to see that it is
// beyond the goal: 1.052 is more than 1.05.
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

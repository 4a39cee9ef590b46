package report

import (
	"fmt"
	"math"
	"slices"
)

// Unit is the unit of a figure: seconds, bytes or counts.
type Unit int

// The units.
const (
	Count Unit = iota
	Seconds
	Bytes
)

func unitNames() []string { return []string{"count", "seconds", "bytes"} }

// MarshalText returns the unit's name.
func (u Unit) MarshalText() ([]byte, error) {
	names := unitNames()
	if u < 0 || int(u) >= len(names) {
		return nil, fmt.Errorf("unit %d", int(u))
	}
	return []byte(names[u]), nil
}

// UnmarshalText parses the unit's name.
func (u *Unit) UnmarshalText(text []byte) error {
	i := slices.Index(unitNames(), string(text))
	if i < 0 {
		return fmt.Errorf("no unit: %q", text)
	}
	*u = Unit(i)
	return nil
}

// Format formats a figure with three digits and a suitable prefix.
func (u Unit) Format(v float64) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case u == Seconds:
		return scaled(v, 1000, []string{"ns", "µs", "ms", "s"}, 1e-9)
	case u == Bytes:
		return scaled(v, 1024, []string{"B", "KiB", "MiB", "GiB"}, 1)
	default:
		return digits(v)
	}
}

func scaled(v, step float64, units []string, base float64) string {
	v /= base
	i := 0
	for ; i < len(units)-1 && math.Abs(v) >= step; i++ {
		v /= step
	}
	return digits(v) + " " + units[i]
}

func digits(v float64) string {
	const whole = 1e-9 // rounding error of a whole number after a division
	switch a := math.Abs(v); {
	case a >= 100 || math.Abs(a-math.Round(a)) < whole:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

package fanout

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

// Case is one size of the benchmark.
type Case struct {
	Mode    simenvoy.Mode
	Clients int
	Filters int
	Repeats int // repetitions with new servers: samples of the connect storm and of memory
	Edits   int // in each repetition, with and without a canary
	// AtOnce makes Envoys ask for all filters in a single request. The growing requests of a
	// normal boot would dominate the time on both sides.
	AtOnce bool
}

// Cases returns the sizes on docs/benchmarks.md.
func Cases(quick bool) []Case {
	if quick {
		return []Case{
			{simenvoy.ADSDelta, 200, 10, 1, 2, false}, {simenvoy.ADSSotW, 200, 10, 1, 2, false},
		}
	}
	return []Case{
		{simenvoy.ADSDelta, 1000, 10, 3, 5, false},
		{simenvoy.ADSSotW, 1000, 10, 3, 5, false},
		{simenvoy.ADSDelta, 5000, 10, 3, 3, false},
		{simenvoy.ADSSotW, 5000, 10, 3, 3, false},
		{simenvoy.ADSDelta, 1000, 200, 3, 5, false},
		{simenvoy.ADSDelta, 1000, 200, 3, 5, true},
		{simenvoy.ADSSotW, 1000, 200, 3, 5, true},
		{simenvoy.ADSDelta, 5000, 200, 3, 3, true},
		{simenvoy.ADSSotW, 5000, 200, 3, 3, true},
	}
}

// String returns `mode/Envoys/filters/boot`, or `…/at-once`.
func (c Case) String() string {
	boot := "boot"
	if c.AtOnce {
		boot = "at-once"
	}
	return fmt.Sprintf("%s/%d/%d/%s", c.Mode, c.Clients, c.Filters, boot)
}

// ParseCase parses the output of [Case.String]. The case has one repetition with five edits.
func ParseCase(s string) (Case, error) {
	c := Case{Repeats: 1, Edits: 5}
	words := strings.Split(s, "/")
	if len(words) == 4 {
		c.Mode, c.AtOnce = simenvoy.Mode(words[0]), words[3] == "at-once"
		c.Clients, _ = strconv.Atoi(words[1])
		c.Filters, _ = strconv.Atoi(words[2])
	}
	if c.String() != s || c.Clients < 1 || c.Filters < 1 || !slices.Contains(simenvoy.Modes(), c.Mode) {
		return Case{}, fmt.Errorf("%q is no size: want mode/Envoys/filters/boot (or at-once), as ads-delta/300/10/boot", s)
	}
	return c, nil
}

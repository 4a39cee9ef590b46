package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// addLimits adds the flags that bound the server's memory for Envoys and other clients.
func (cfg *ServeConfig) addLimits(f *pflag.FlagSet) {
	cfg.Limits = xds.Limits{}.WithDefaults()
	l := &cfg.Limits
	f.IntVar(&l.Names, "max-names", l.Names, "`names` that no spec has and that all streams together may ask for; the stream with the most ends")
	f.IntVar(&l.NamesPerStream, "max-names-per-stream", l.NamesPerStream, "`names` that one stream may ask for; beyond, it ends")
	f.IntVar(&l.Streams, "max-streams", l.Streams, "open `streams`; each further one ends")
	f.IntVar(&l.StreamsPerNode, "max-streams-per-node", l.StreamsPerNode, "open `streams` of one node id from one host; each further one ends")
	f.Var((*byteSize)(&l.RequestSize), "max-request-size", "`size` of an xDS request, as 4MiB; beyond, its stream ends")
	f.Var((*byteSize)(&l.NodeSize), "max-node-size", "`size` of a node's id, cluster and metadata, as 64KiB; beyond, its stream ends")
	cfg.BuildMemory = xds.DefaultBuildMemory
	f.Var((*byteSize)(&cfg.BuildMemory), "max-build-memory", "`size` of the memory that inline resources take while they are built; others wait, and one that needs more is built alone")
}

func checkLimits(l xds.Limits, buildMemory int) error {
	for _, one := range []struct {
		flag        string
		value, most int
	}{
		{"max-names", l.Names, 100_000_000},
		{"max-names-per-stream", l.NamesPerStream, xds.MostNamesPerStream},
		{"max-streams", l.Streams, 100_000_000},
		{"max-streams-per-node", l.StreamsPerNode, 100_000_000},
		{"max-request-size", l.RequestSize, 1 << 30},
		{"max-node-size", l.NodeSize, 1 << 30},
		{"max-build-memory", buildMemory, 1 << 40},
	} {
		if one.value < 1 || one.value > one.most {
			return fmt.Errorf("invalid --%s %d: it is between 1 and %d", one.flag, one.value, one.most)
		}
	}
	return nil
}

// byteSize is a flag's value in bytes: a number, or a number with KiB, MiB or GiB.
type byteSize int

// String is the value in the form that Set reads.
func (b *byteSize) String() string {
	n := int(*b)
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	default:
		return strconv.Itoa(n)
	}
}

// Set reads a value.
func (b *byteSize) Set(text string) error {
	unit := 1
	for suffix, size := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, found := strings.CutSuffix(text, suffix); found {
			text, unit = number, size
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil {
		return fmt.Errorf("it is no number of bytes, as 65536, 64KiB or 4MiB")
	}
	*b = byteSize(int(n) * unit)
	return nil
}

// Type is the name in usage texts.
func (b *byteSize) Type() string { return "size" }

// printLimits prints the limits for which streams were ended.
func printLimits(w io.Writer, limits []api.Limit, now time.Time) {
	for _, l := range limits {
		node := ""
		if l.Node != "" {
			node = " node " + terminal.Printable(l.Node)
		}
		fmt.Fprintf(w, "\n%s %d: %s ended, the last%s from %s %s ago\n", terminal.Printable(l.Flag), l.Most,
			refusals(l.Refused), node, terminal.Printable(l.Address), now.Sub(l.Last).Truncate(time.Second))
	}
}

func refusals(n uint64) string {
	if n == 1 {
		return "1 stream was"
	}
	return fmt.Sprintf("%d streams were", n)
}

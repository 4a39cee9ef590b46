package adopting

import (
	"io"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Options are the settings of a run.
type Options struct {
	Path string // of the configuration

	// One of these says where the result goes. Without them, the edited text is printed.
	Out     string
	InPlace bool
	Diff    bool // print a diff and write nothing
	JSON    bool // print the summary as JSON; without Out and InPlace nothing is written

	SpecsDir string
	Envoy    string // path of the binary; "": found as dev finds it
	Plan     adopt.Options
	// SDS has the clusters' files for TLS, by path. They are written with the result.
	SDS map[string][]byte
}

// writes says whether the run writes files.
func (o Options) writes() bool { return !o.Diff && (!o.JSON || o.Out != "" || o.InPlace) }

// report prints a problem with the line at fault.
func (o Options) report(stderr io.Writer, p *spec.Error) error {
	if o.JSON || p.Pos.Line == 0 {
		return p
	}
	display.Problem(stderr, &display.SourceLines{}, p)
	return command.ErrReported
}

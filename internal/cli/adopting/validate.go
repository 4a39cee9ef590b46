package adopting

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/dev"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Validation is an Envoy's opinion of the result.
type Validation struct {
	Result string `json:"result"` // passed, or skipped
	Envoy  string `json:"envoy"`  // path of the binary; "": none was found
	Reason string `json:"reason"` // for a skipped check
}

const (
	passed  = "passed"
	skipped = "skipped"
)

// validationTime bounds a run of Envoy, which compiles the Wasm modules of the file.
const validationTime = 2 * time.Minute

// validate lets an Envoy read the result. A refusal by Envoy is an error, unless Envoy refuses the
// original here, too, for example because a certificate is on another machine.
func validate(ctx context.Context, o Options, in adopt.Input, plan *adopt.Plan) (Validation, *spec.Error) {
	envoy, err := dev.LookForEnvoy(o.Envoy)
	switch {
	case err != nil:
		return Validation{}, asProblem(err)
	case in.ListenersOnly:
		return Validation{Result: skipped, Reason: "Envoy validates bootstraps, and this is a file with listeners"}, nil
	case !plan.Changed:
		return Validation{Result: skipped, Reason: "nothing changes"}, nil
	case envoy == "":
		return Validation{Result: skipped, Reason: "there is no Envoy here: name one with --envoy"}, nil
	}
	after := o.ask(ctx, envoy, plan.Text)
	if after == "" {
		return Validation{Result: passed, Envoy: envoy}, nil
	}
	if before := o.ask(ctx, envoy, in.File.Text); before != "" {
		return Validation{Result: skipped, Envoy: envoy, Reason: "Envoy refuses the original here, too: " + before}, nil
	}
	return Validation{}, &spec.Error{
		Code: "envoy_refuses", Message: "Envoy would refuse the result, so nothing is written: " + after,
		Hint: "this is a fault of adopt, please report it; --diff with --envoy \"\" shows the edits", Pos: spec.Position{File: o.Path},
	}
}

func asProblem(err error) *spec.Error {
	if p, ok := err.(*spec.Error); ok { //nolint:errorlint // made there, and not wrapped
		return p
	}
	return &spec.Error{Code: "no_envoy", Message: err.Error()}
}

// ask returns Envoy's reason against a configuration; "": there is none. Envoy wants the files of
// SDS, which may be missing yet: ask gives copies to Envoy.
func (o Options) ask(ctx context.Context, envoy string, text []byte) string {
	dir, err := os.MkdirTemp("", "wasm-xds-adopt-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	for path, content := range o.SDS {
		copied := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			return err.Error()
		}
		text = bytes.ReplaceAll(text, []byte(path), []byte(copied))
	}
	file := filepath.Join(dir, "bootstrap"+extension(o.Path))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, validationTime)
	defer cancel()
	// A configuration without an identity may get an identity from the command line.
	out, err := exec.CommandContext(ctx, envoy, "--mode", "validate", "-c", file, "-l", "error",
		"--service-node", "adopt", "--service-cluster", "adopt").CombinedOutput()
	if err == nil {
		return ""
	}
	if ctx.Err() != nil {
		return "it took too long"
	}
	return reasonOf(out, file, err)
}

// reasonOf finds Envoy's reason in the output: the end of the line about the configuration.
func reasonOf(out []byte, file string, err error) string {
	reason := ""
	for line := range strings.Lines(string(bytes.TrimSpace(out))) {
		line = strings.TrimSpace(line)
		if _, after, ok := strings.Cut(line, "error initializing configuration '"+file+"': "); ok {
			return shortened(after)
		}
		if line != "" {
			reason = line
		}
	}
	if reason == "" {
		return err.Error()
	}
	return shortened(reason)
}

// widestReason is the number of characters to show of Envoy's reason: some quote the whole
// configuration.
const widestReason = 400

func shortened(text string) string {
	runes := []rune(text)
	if len(runes) > widestReason {
		return string(runes[:widestReason]) + "…"
	}
	return text
}

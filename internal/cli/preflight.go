package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// codeTestFailed is the code of a spec's test that has failed.
const codeTestFailed = "test_failed"

// mostFindings is how many findings of a problem its message lists.
const mostFindings = 8

// examined is a filter that went through the sandbox.
type examined struct {
	resolved
	problems []preflight.Problem // of all the versions asked for
	warnings []preflight.Problem
	logs     []preflight.Log // of the start
	tests    []preflight.TestResult
}

func (e examined) ok() bool { return len(e.problems) == 0 && len(e.failed()) == 0 }

func (e examined) failed() []preflight.TestResult {
	var failed []preflight.TestResult
	for _, t := range e.tests {
		if !t.OK {
			failed = append(failed, t)
		}
	}
	return failed
}

// examine runs the filters and their tests in the sandbox, as many at a time as
// there are processors. versions are the Envoys that have to load them; with none,
// any known one has to.
func examine(ctx context.Context, store *module.Store, all []resolved, versions []string) ([]examined, error) {
	done := make([]examined, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, one := range all {
		group.Go(func() error {
			code, err := store.Read(one.revision.Module.SHA256)
			if err != nil {
				return err
			}
			done[i] = examineOne(ctx, one, code, versions)
			return ctx.Err()
		})
	}
	return done, group.Wait()
}

// nullRuntime runs C++ that is built into Envoy, and no Wasm.
const nullRuntime = "envoy.wasm.runtime.null"

func examineOne(ctx context.Context, one resolved, code []byte, versions []string) examined {
	e := examined{resolved: one}
	if one.spec.VM.Runtime == nullRuntime {
		return e
	}
	request := preflight.RequestFor(one.spec, code, one.revision.Config)
	request.Versions = versions
	report := preflight.Check(ctx, request)
	e.logs, e.warnings = report.Logs, report.Warnings
	load := loading(report, versions)
	if len(versions) == 0 && len(load) > 0 {
		e.warnings = append(e.warnings, report.Problems...)
	} else {
		e.problems = report.Problems
	}
	if len(e.problems) == 0 && len(one.spec.Tests) > 0 {
		request.Versions = load
		e.tests = preflight.RunTests(ctx, request, one.spec.Tests)
	}
	return e
}

// loading are the versions that would load the module.
func loading(r preflight.Report, versions []string) []string {
	if len(versions) == 0 {
		versions = preflight.Versions()
	}
	var load []string
	for _, v := range versions {
		if !r.Refused(v) {
			load = append(load, v)
		}
	}
	return load
}

// asErrors are the filter's problems and its failed tests, each where it stands in the spec.
func (e examined) asErrors() []*spec.Error {
	var all []*spec.Error
	for _, p := range e.problems {
		all = append(all, e.asError(p))
	}
	for _, t := range e.failed() {
		words := make([]string, len(t.Failures))
		for i, f := range t.Failures {
			words[i] = f.String()
		}
		all = append(all, &spec.Error{
			Code: codeTestFailed, Name: e.spec.Name, Pos: e.testPosition(t.Name),
			Message: fmt.Sprintf("test %q failed: %s", t.Name, strings.Join(words, "; ")),
		})
	}
	return all
}

func (e examined) testPosition(name string) spec.Position {
	for _, t := range e.spec.Tests {
		if t.Name == name {
			return t.Pos
		}
	}
	return spec.Position{File: e.spec.File, Line: e.spec.Line}
}

func (e examined) asError(p preflight.Problem) *spec.Error {
	message := p.Message
	if len(p.Versions) > 0 {
		message = "Envoy " + strings.Join(p.Versions, ", ") + ": " + message
	}
	if n := len(p.Detail); n > 0 {
		message += " (" + strings.Join(p.Detail[:min(n, mostFindings)], "; ")
		if n > mostFindings {
			message += fmt.Sprintf("; and %d more", n-mostFindings)
		}
		message += ")"
	}
	return &spec.Error{Code: p.Code, Message: printable([]rune(message)), Hint: p.Hint, Name: e.spec.Name, Pos: e.spec.Module.Pos}
}

// printExamined prints what went wrong with a filter in the sandbox.
func printExamined(w io.Writer, lines *sourceLines, e examined) {
	for _, p := range e.warnings {
		warning := e.asError(p)
		warning.Message = "warning: " + warning.Message
		printProblem(w, lines, warning)
	}
	for _, p := range e.problems {
		printProblem(w, lines, e.asError(p))
	}
	if len(e.problems) > 0 {
		for _, l := range e.logs {
			fmt.Fprintln(w, "  log:", printable([]rune(l.Text)))
		}
	}
	for _, t := range e.failed() {
		printProblem(w, lines, &spec.Error{Message: fmt.Sprintf("test %q failed", t.Name), Pos: e.testPosition(t.Name)})
		for _, f := range t.Failures {
			fmt.Fprintln(w, "  "+f.String())
			for line := range strings.Lines(f.Diff) {
				fmt.Fprintln(w, "    "+printable([]rune(strings.TrimSuffix(line, "\n"))))
			}
		}
		for _, l := range t.Logs {
			fmt.Fprintln(w, "  log:", l)
		}
	}
}

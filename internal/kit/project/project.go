// Package project finds out how the modules of a project's specs are built.
//
// A project is a directory with specs and the sources of their modules. A spec with `build` has a
// command of its own. All other modules are built by the language of the project, which its files
// show: see [Find].
package project

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Language is the language of a project.
type Language string

// The languages with a known compiler.
const (
	Go             Language = "go"
	Rust           Language = "rust"
	AssemblyScript Language = "assemblyscript"
	CPP            Language = "cpp"
	Zig            Language = "zig"
)

// Target is a module to build.
type Target struct {
	// Dir is the absolute path of the directory in which the compiler runs.
	Dir string
	// Output is the absolute path of the module.
	Output string
	// Command is the command for the shell, from a spec or from package.json. The
	// command itself writes Output. "" means the compiler of Language.
	Command  string
	Language Language // "" with a command of a spec
	// Specs are the specs with this module.
	Specs []*spec.Spec
}

// The codes of errors.
const (
	CodeNoProject = "no_project"
	CodeAmbiguous = "ambiguous_build"
)

// Targets returns the modules to build for the specs of a directory. Specs with a module from
// elsewhere than a file have no target. The error names the missing part.
func Targets(dir string, specs []*spec.Spec) ([]Target, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var targets []Target
	for _, s := range specs {
		if s.Module.File == nil {
			continue
		}
		t, err := targetOf(s, dir)
		if err != nil {
			return nil, err
		}
		known := slices.IndexFunc(targets, func(other Target) bool { return other.Output == t.Output })
		switch {
		case known < 0:
			targets = append(targets, t)
		case targets[known].Command != t.Command:
			return nil, problem(CodeAmbiguous, s, fmt.Sprintf("the specs %s and %s build one module with different commands", targets[known].Specs[0].Name, s.Name),
				"give both the same build, or only one of them")
		default:
			targets[known].Specs = append(targets[known].Specs, s)
		}
	}
	if len(targets) == 0 {
		return nil, problem(CodeNoProject, nil, "no spec in "+dir+" has a module to build", "write a spec with module: {file: ./build/NAME.wasm}, or begin with wasm-xds init")
	}
	return withLanguage(dir, targets)
}

// targetOf is the target of a spec, without the language.
func targetOf(s *spec.Spec, dir string) (Target, error) {
	output, err := filepath.Abs(s.Module.File.Path)
	if err != nil {
		return Target{}, err
	}
	t := Target{Dir: dir, Output: output, Command: s.Build, Specs: []*spec.Spec{s}}
	if s.Build != "" {
		file, err := filepath.Abs(s.File)
		if err != nil {
			return Target{}, err
		}
		t.Dir = filepath.Dir(file)
	}
	return t, nil
}

// withLanguage gives the compiler of the project to the target without a command. A compiler makes
// a module, so several of these targets are an error.
func withLanguage(dir string, targets []Target) ([]Target, error) {
	missing := -1
	for i, t := range targets {
		switch {
		case t.Command != "":
		case missing >= 0:
			return nil, problem(CodeAmbiguous, t.Specs[0], "the specs "+targets[missing].Specs[0].Name+" and "+t.Specs[0].Name+" have two modules, and the project makes one",
				"write the command of each module into its spec, as in build: make filter.wasm")
		default:
			missing = i
		}
	}
	if missing < 0 {
		return targets, nil
	}
	language, command, err := Find(dir)
	if err != nil {
		return nil, err
	}
	targets[missing].Language, targets[missing].Command = language, command
	return targets, nil
}

// Find returns the language of a directory, and the command of a package.json with a script
// "build". The files show the language:
//
//   - go.mod: Go
//   - Cargo.toml: Rust
//   - asconfig.json, or a package.json with assemblyscript: AssemblyScript
//   - build.zig, or .zig files in the directory or in src: Zig
//   - .cc, .cpp or .cxx files in the directory or in src: C++
func Find(dir string) (language Language, command string, err error) {
	script, assembly, err := readPackage(filepath.Join(dir, "package.json"))
	if err != nil {
		return "", "", err
	}
	var found []Language
	for _, l := range []struct {
		language Language
		is       bool
	}{
		{Go, exists(dir, "go.mod")},
		{Rust, exists(dir, "Cargo.toml")},
		{AssemblyScript, assembly || exists(dir, "asconfig.json")},
		{Zig, exists(dir, "build.zig") || len(Sources(dir, Zig)) > 0},
		{CPP, len(Sources(dir, CPP)) > 0},
	} {
		if l.is {
			found = append(found, l.language)
		}
	}
	const declare = "write the command into the spec, as in build: make filter.wasm"
	switch {
	case len(found) == 0 && script == "":
		return "", "", problem(CodeNoProject, nil, "no file in "+dir+" shows how to build its module", declare)
	case len(found) > 1:
		return "", "", problem(CodeAmbiguous, nil, fmt.Sprintf("the project is of several languages: %s", words(found)), declare)
	case len(found) == 1 && found[0] != AssemblyScript:
		return found[0], "", nil
	}
	return AssemblyScript, script, nil
}

// IsProject reports whether a directory has files of a language, or a spec with a build command.
func IsProject(dir string, specs []*spec.Spec) bool {
	if slices.ContainsFunc(specs, func(s *spec.Spec) bool { return s.Build != "" }) {
		return true
	}
	_, _, err := Find(dir)
	var p *spec.Error
	return err == nil || errors.As(err, &p) && p.Code == CodeAmbiguous
}

// Sources returns the source files of a language without a file for projects, relative to the
// directory.
func Sources(dir string, l Language) []string {
	endings := map[Language][]string{Zig: {".zig"}, CPP: {".cc", ".cpp", ".cxx"}}[l]
	var files []string
	for _, place := range []string{".", "src"} {
		entries, err := os.ReadDir(filepath.Join(dir, place))
		if err != nil {
			continue // no such directory
		}
		for _, e := range entries {
			if !e.IsDir() && e.Name()[0] != '.' && slices.Contains(endings, filepath.Ext(e.Name())) {
				files = append(files, filepath.Join(place, e.Name()))
			}
		}
	}
	return files
}

// readPackage returns the build script of a package.json, and whether the package needs
// AssemblyScript. A missing file has neither.
func readPackage(path string) (script string, assembly bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	var content struct {
		Scripts                       map[string]string
		Dependencies, DevDependencies map[string]string
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return "", false, &spec.Error{Code: CodeNoProject, Message: "package.json cannot be read: " + err.Error(), Pos: spec.Position{File: path}}
	}
	const compiler = "assemblyscript"
	return content.Scripts["build"], content.Dependencies[compiler]+content.DevDependencies[compiler] != "", nil
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

func words(all []Language) string {
	var text []string
	for _, l := range all {
		text = append(text, string(l))
	}
	return strings.Join(text, ", ")
}

// problem is an error with a place in a spec; nil: no place.
func problem(code string, s *spec.Spec, message, hint string) error {
	e := &spec.Error{Code: code, Message: message, Hint: hint}
	if s != nil {
		e.Name, e.Pos = s.Name, spec.Position{File: s.File, Line: s.Line}
	}
	return e
}

package compiler

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// compile runs the compiler, and returns the path of the new module.
func (c *Compiler) compile(ctx context.Context, t project.Target) (string, error) {
	switch {
	case t.Command != "":
		return t.Output, c.declared(ctx, t)
	case t.Language == project.Rust:
		return c.rust(ctx, t)
	}
	made := filepath.Join(filepath.Dir(t.Output), ".unstripped-"+filepath.Base(t.Output))
	recipe := map[project.Language]func(context.Context, project.Target, string) error{
		project.Go: c.golang, project.AssemblyScript: c.assemblyScript, project.CPP: c.cpp, project.Zig: c.zig,
	}[t.Language]
	return made, recipe(ctx, t, made)
}

// declared runs the project's own command, with the programs of node_modules on its path, as npm
// does.
func (c *Compiler) declared(ctx context.Context, t project.Target) error {
	var env []string
	if t.Language == project.AssemblyScript {
		if err := c.packages(ctx, t.Dir); err != nil {
			return err
		}
		env = []string{"PATH=" + filepath.Join(t.Dir, "node_modules", ".bin") + string(filepath.ListSeparator) + os.Getenv("PATH")}
	}
	return c.run(ctx, t.Dir, env, nil, "sh", "-c", t.Command)
}

func (c *Compiler) golang(ctx context.Context, t project.Target, made string) error {
	if err := need(t.Language, "go"); err != nil {
		return err
	}
	// Neither a path of this machine nor the state of the repository changes the module.
	return c.run(ctx, t.Dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, nil,
		"go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-o", made, ".")
}

func (c *Compiler) assemblyScript(ctx context.Context, t project.Target, made string) error {
	if err := c.packages(ctx, t.Dir); err != nil {
		return err
	}
	asc := filepath.Join("node_modules", "assemblyscript", "bin", "asc.js")
	return c.run(ctx, t.Dir, nil, nil, "node", asc, "assembly/index.ts", "--target", "release", "--outFile", made)
}

// packages installs the packages of package.json, if they are not there yet.
func (c *Compiler) packages(ctx context.Context, dir string) error {
	if err := need(project.AssemblyScript, "node", "npm"); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return nil
	}
	return c.run(ctx, dir, nil, nil, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error")
}

func (c *Compiler) cpp(ctx context.Context, t project.Target, made string) error {
	if err := need(t.Language, "clang++", "wasm-ld"); err != nil {
		return err
	}
	args := []string{
		"--target=wasm32", "-std=c++17", "-O2", "-flto", "-Wall", "-Wextra", "-ffreestanding", "-fno-exceptions", "-fno-rtti",
		"-fno-c++-static-destructors", "-nostdlib", "-Wl,--no-entry", "-o", made,
	}
	return c.run(ctx, t.Dir, nil, nil, "clang++", append(args, project.Sources(t.Dir, project.CPP)...)...)
}

func (c *Compiler) zig(ctx context.Context, t project.Target, made string) error {
	zig := "zig"
	if _, err := exec.LookPath(zig); err != nil {
		zig = "python-zig" // of the package ziglang on PyPI
	}
	if err := need(t.Language, zig); err != nil {
		return err
	}
	root := "filter.zig"
	for _, file := range project.Sources(t.Dir, project.Zig) {
		if name := filepath.Base(file); name == "main.zig" || name == "filter.zig" {
			root = file
		}
	}
	return c.run(ctx, t.Dir, nil, nil, zig, "build-exe", root, "-target", "wasm32-freestanding", "-fno-entry", "-rdynamic",
		"-O", "ReleaseSmall", "-femit-bin="+made)
}

// rust builds a crate, and returns cargo's path of the module, which depends on the
// workspace and on the user's settings.
func (c *Compiler) rust(ctx context.Context, t project.Target) (string, error) {
	if err := need(t.Language, "cargo", "rustc"); err != nil {
		return "", err
	}
	if err := c.findRustTarget(ctx, t.Dir); err != nil {
		return "", err
	}
	var messages bytes.Buffer
	err := c.run(ctx, t.Dir, nil, &messages, "cargo", "build", "--release", "--target", c.rustTarget, "--message-format=json-render-diagnostics")
	if err != nil {
		return "", err
	}
	made := ""
	for line := range bytes.Lines(messages.Bytes()) {
		var message struct {
			Reason    string
			Filenames []string
		}
		if json.Unmarshal(line, &message) != nil || message.Reason != "compiler-artifact" {
			continue // a line of another program, or another message
		}
		for _, file := range message.Filenames {
			if filepath.Ext(file) == ".wasm" {
				made = file
			}
		}
	}
	if made == "" {
		return "", &spec.Error{Code: CodeFailed, Message: "cargo has made no Wasm module", Hint: `a filter is a library with crate-type = ["cdylib"] in Cargo.toml`}
	}
	return c.copied(made, t.Output)
}

// copied copies a module beside its place, because cargo takes a missing file for a reason to link
// again.
func (c *Compiler) copied(from, output string) (string, error) {
	module, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	made := filepath.Join(filepath.Dir(output), ".unstripped-"+filepath.Base(output))
	return made, os.WriteFile(made, module, 0o600)
}

// rustTargets are the targets for Envoy, the best first.
func rustTargets() []string { return []string{"wasm32-wasip1", "wasm32-unknown-unknown"} }

// findRustTarget finds the first target with an installed standard library.
func (c *Compiler) findRustTarget(ctx context.Context, dir string) error {
	if c.rustTarget != "" {
		return nil
	}
	for _, target := range rustTargets() {
		rustc := exec.CommandContext(ctx, "rustc", "--print", "target-libdir", "--target", target)
		rustc.Dir = dir
		out, err := rustc.Output()
		if err != nil {
			continue // this rustc does not know the target
		}
		if _, err := os.Stat(strings.TrimSpace(string(out))); err == nil {
			c.rustTarget = target
			return nil
		}
	}
	return cmp.Or(ctx.Err(), missingTool("the standard library of Rust for Wasm", project.Rust))
}

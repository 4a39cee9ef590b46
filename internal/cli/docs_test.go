package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

const docsFile = "../../docs/cli.md"

// The generated part of the page lies between these lines.
const (
	docsBegin = "<!-- from here on generated: go test ./internal/cli -run TestDocs -update -->\n"
	docsEnd   = "<!-- to here -->\n"
)

// TestDocs holds docs/cli.md against the commands.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash(docsFile))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), docsBegin)
	have, after, ended := strings.Cut(rest, docsEnd)
	if !begun || !ended {
		t.Fatalf("%s has lost the lines around its generated part", docsFile)
	}
	var want bytes.Buffer
	documentCommands(&want)
	if *update {
		page := before + docsBegin + want.String() + docsEnd + after
		if err := os.WriteFile(filepath.FromSlash(docsFile), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(have, want.String()); diff != "" {
		t.Errorf("%s is not what the commands say; run the test with -update: %s", docsFile, diff)
	}
}

func documentCommands(w *bytes.Buffer) {
	documentBelow(w, newRoot())
	w.WriteString("\n")
}

func documentBelow(w *bytes.Buffer, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Name() == "help" || c.Hidden {
			continue
		}
		fmt.Fprintf(w, "\n## %s\n\n%s.\n\n```\n%s\n```\n", c.CommandPath(), c.Short, c.UseLine())
		if c.Name() == "completion" {
			documentCompletion(w, c)
			continue
		}
		if c.Long != "" {
			fmt.Fprintf(w, "\n%s\n", c.Long)
		}
		if c.HasAvailableSubCommands() {
			documentBelow(w, c)
			continue
		}
		documentFlags(w, c)
		if c.Example != "" {
			fmt.Fprintf(w, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimPrefix(c.Example, "  "), "\n  ", "\n"))
		}
	}
}

func documentCompletion(w *bytes.Buffer, c *cobra.Command) {
	var shells []string
	for _, shell := range c.Commands() {
		shells = append(shells, "`"+shell.Name()+"`")
	}
	fmt.Fprintf(w, "\nFor %s; `wasm-xds completion SHELL --help` says how it is loaded. Names of filters are\ncompleted from the running server.\n", command.List(shells))
}

func documentFlags(w *bytes.Buffer, c *cobra.Command) {
	w.WriteString("\n| flag | environment | default | |\n|---|---|---|---|\n")
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "`--" + f.Name
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		if kind != "" {
			name += " " + kind
		}
		env, value := "", ""
		if command.HasEnv(f) {
			env = "`" + command.EnvName(f.Name) + "`"
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			value = "`" + f.DefValue + "`"
		}
		usage = strings.ReplaceAll(usage, "<", `\<`)
		fmt.Fprintf(w, "| %s` | %s | %s | %s |\n", name, env, value, usage)
	})
}

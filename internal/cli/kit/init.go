package kit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

func newInit() *cobra.Command {
	var o choices
	c := &cobra.Command{
		Use:   "init NAME",
		Short: "Begin a filter: sources, spec and tests that build",
		Long: `Init writes a small project into the new directory NAME: the sources of a filter, its
spec with tests, and a README. NAME may be a path; its last part is the filter's name.
Files that are there already are never overwritten: the directory must be empty or
missing.

On a terminal, init asks for what the command line leaves out. Elsewhere, --lang is
needed.`,
		Example: `  wasm-xds init auth --lang go --from auth
  wasm-xds init tcp_log --lang rust --type network
  wasm-xds init                                      # asks`,
		Args: command.Arguments(0, 1, "a name"),
	}
	output := command.OutputFlag(c, "text", "json")
	f := c.Flags()
	f.StringVar(&o.language, "lang", "", "`language` of the filter: "+command.List(template.Languages()))
	f.StringVar(&o.kind, "type", "", "`type` of the filter: "+command.List(types())+" (default http)")
	f.StringVar(&o.from, "from", "", "`template` to begin with: "+command.List(froms(""))+" (default headers; logger for network)")
	command.Action(f, "lang", "type", "from")
	for flag, words := range map[string][]string{"lang": template.Languages(), "type": types(), "from": froms("")} {
		// It fails only for a missing flag.
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			o.name = args[0]
		}
		if isTerminal(c.InOrStdin()) && *output == "text" {
			if err := newAsker(c.InOrStdin(), c.ErrOrStderr()).complete(&o); err != nil {
				return err
			}
		}
		options, dir, err := o.validate(c)
		if err != nil {
			return err
		}
		files, err := write(dir, options)
		if err != nil {
			return err
		}
		report(c.OutOrStdout(), dir, options, files, *output == "json")
		return nil
	}
	return c
}

// validate returns the options of the template, and the directory to make.
func (o choices) validate(c *cobra.Command) (template.Options, string, error) {
	none := template.Options{}
	switch {
	case o.name == "":
		return none, "", command.Usage(c, "init needs a name")
	case o.language == "":
		return none, "", command.Usage(c, "init needs --lang here, because it cannot ask without a terminal: "+command.List(template.Languages()))
	case !contains(template.Languages(), o.language):
		return none, "", command.Usage(c, fmt.Sprintf("invalid --lang %q: it is %s", o.language, command.List(template.Languages())))
	case o.kind != "" && !contains(types(), o.kind):
		return none, "", command.Usage(c, fmt.Sprintf("invalid --type %q: it is %s", o.kind, command.List(types())))
	case o.from != "" && !contains(froms(""), o.from):
		return none, "", command.Usage(c, fmt.Sprintf("invalid --from %q: it is %s", o.from, command.List(froms(""))))
	}
	kind, err := template.FindKind(o.kind, o.from)
	if err != nil {
		return none, "", command.Usage(c, err.Error())
	}
	dir, err := filepath.Abs(o.name)
	if err != nil {
		return none, "", err
	}
	name := filepath.Base(dir)
	if err := template.CheckName(name); err != nil {
		return none, "", command.Usage(c, err.Error())
	}
	return template.Options{Name: name, Language: o.language, Kind: kind}, dir, nil
}

// write writes the files of a project into an empty or new directory, and returns their paths
// within it. After an error, none of the new files is left.
func write(dir string, o template.Options) (paths []string, err error) {
	files, err := template.Files(o)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	isNew := errors.Is(err, fs.ErrNotExist)
	switch {
	case isNew:
	case err != nil:
		return nil, command.Failure("cannot_write", dir+" cannot be used: "+reason.Of(err), "name a new directory")
	case len(entries) > 0:
		return nil, command.Failure("not_empty", dir+" is not empty: it has "+entries[0].Name(), "name a new directory: init overwrites nothing")
	}
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				_ = os.Remove(path)
			}
			if isNew {
				_ = os.RemoveAll(dir)
			}
			err = command.Failure("cannot_write", "the project cannot be written: "+reason.Of(err), "")
		}
	}()
	for _, file := range files {
		path := filepath.Join(dir, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := writeNew(path, file.Text); err != nil {
			return nil, err
		}
		made = append(made, path)
		paths = append(paths, file.Path)
	}
	return paths, nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

func report(w io.Writer, dir string, o template.Options, files []string, asJSON bool) {
	if asJSON {
		display.JSON(w, map[string]any{
			"name": o.Name, "dir": dir, "lang": o.Language, "type": o.Kind.Type, "from": o.Kind.From, "files": files,
		})
		return
	}
	short := dir
	if here, err := filepath.Abs("."); err == nil {
		if rel, err := filepath.Rel(here, dir); err == nil && !strings.HasPrefix(rel, "..") {
			short = rel
		}
	}
	fmt.Fprintf(w, "%s is a filter in %s, with %s\n\n", short, o.Language, display.Plural(len(files), "file"))
	fmt.Fprintf(w, "  wasm-xds build %s\n  wasm-xds dev %s --request '%s'\n", short, short, o.Kind.Request)
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

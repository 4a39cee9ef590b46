package specs

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/specedit"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newLock() *cobra.Command {
	var from fetch.Flags
	check := false
	c := &cobra.Command{
		Use:   "lock PATH...",
		Short: "Write the digests that tags in registries lead to into the specs",
		Long: `Lock asks registries where the tags of module.oci lead now, and writes the digests
behind them into the spec files: registry/repository:tag@sha256:…. Nothing else of
the files changes. Specs with module.refresh are left alone: they follow their tags
on purpose.

With --check it writes nothing, and exits with 1 when a tag is not locked.`,
		Example: `  wasm-xds lock filters/
  wasm-xds lock filters/ --check`,
		Args: command.Arguments(1, -1, "a spec file or a directory"),
	}
	output := command.OutputFlag(c, "text", "json")
	from.Registries.AddFlags(c.Flags())
	from.Roots.AddFlags(c.Flags())
	c.Flags().BoolVar(&check, "check", false, "write nothing, and fail when a tag is not locked")
	c.RunE = func(c *cobra.Command, args []string) error {
		roots, err := from.Roots.Absolute()
		if err != nil {
			return err
		}
		docs := load.Paths(c.Context(), args, roots)
		l := locking{docs: docs, check: check}
		if !check {
			resolver, closeIt, err := from.Resolver(nil)
			if err != nil {
				return err
			}
			defer closeIt()
			l.resolve(c.Context(), resolver)
			if c.Context().Err() != nil {
				return errors.New("interrupted")
			}
			l.write()
		} else {
			l.list()
		}
		l.docs.SortErrors()
		l.print(c.OutOrStdout(), *output == "json")
		if len(l.docs.Errors) > 0 || check && len(l.locked) > 0 {
			return command.ErrReported
		}
		return nil
	}
	return c
}

// locked is a tag that gets its digest. With --check the file stays unchanged.
type locked struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	From string `json:"from"`
	To   string `json:"to"` // "" with --check

	at  spec.Position
	ref spec.Reference
}

// locking is a run of lock.
type locking struct {
	docs   load.Documents
	check  bool
	locked []locked
	follow []locked // followed tags (`refresh`), which lock leaves alone
}

// list finds the unlocked tags.
func (l *locking) list() {
	l.locked = []locked{}
	for _, s := range l.docs.Specs {
		m := s.Module
		if m.OCI.Registry == "" || m.OCI.Pinned() {
			continue
		}
		one := locked{Name: s.Name, File: m.Pos.File, Line: m.Pos.Line, From: m.OCI.String(), at: m.Pos, ref: m.OCI}
		if m.Refresh > 0 {
			l.follow = append(l.follow, one)
		} else {
			l.locked = append(l.locked, one)
		}
	}
}

// resolve asks registries for the digests. Failures become problems.
func (l *locking) resolve(ctx context.Context, resolver *module.Resolver) {
	l.list()
	modules := map[spec.Position]*spec.Spec{}
	for _, s := range l.docs.Specs {
		modules[s.Module.Pos] = s
	}
	var found []locked
	for _, one := range l.locked {
		digest, problem := resolver.ResolveTag(ctx, modules[one.at].Module)
		if problem != nil {
			problem.Name = one.Name
			l.docs.Errors = append(l.docs.Errors, problem)
			continue
		}
		one.ref = one.ref.WithDigest(digest)
		one.To = one.ref.String()
		found = append(found, one)
	}
	l.locked = found
}

// write edits the files. A file that cannot be edited stays unchanged, with a problem.
func (l *locking) write() {
	byFile := map[string][]locked{}
	var files []string
	for _, one := range l.locked {
		if byFile[one.File] == nil {
			files = append(files, one.File)
		}
		byFile[one.File] = append(byFile[one.File], one)
	}
	l.locked = []locked{}
	for _, file := range files {
		var pins []specedit.Pin
		for _, one := range byFile[file] {
			pins = append(pins, specedit.Pin{At: one.at, Ref: one.ref})
		}
		if err := specedit.LockFile(file, pins); err != nil {
			first := byFile[file][0]
			l.docs.Errors = append(l.docs.Errors, &spec.Error{
				Code: "lock_failed", Name: first.Name, Pos: first.at, Message: fmt.Sprintf("the file cannot be edited: %v", err),
				Hint: "write it by hand: " + first.To,
			})
			continue
		}
		l.locked = append(l.locked, byFile[file]...)
	}
}

func (l *locking) print(w io.Writer, asJSON bool) {
	if asJSON {
		problems := []*api.Error{}
		for _, e := range l.docs.Errors {
			problems = append(problems, api.FromSpec(e))
		}
		what := struct {
			Locked   []locked     `json:"locked,omitempty"`
			Unlocked []locked     `json:"unlocked,omitempty"`
			Errors   []*api.Error `json:"errors"`
		}{Errors: problems}
		if l.check {
			what.Unlocked = l.locked
		} else {
			what.Locked = l.locked
		}
		display.JSON(w, what)
		return
	}
	var lines display.SourceLines
	for _, e := range l.docs.Errors {
		display.Problem(w, &lines, e)
	}
	for _, one := range l.locked {
		if l.check {
			fmt.Fprintf(w, "%s:%d: %s is not locked\n", one.File, one.Line, one.From)
		} else {
			fmt.Fprintf(w, "%s:%d: %s\n", one.File, one.Line, one.To)
		}
	}
	for _, one := range l.follow {
		fmt.Fprintf(w, "%s:%d: %s is followed (refresh): left as it is\n", one.File, one.Line, one.From)
	}
	switch {
	case len(l.locked)+len(l.docs.Errors) > 0:
	case len(l.follow) > 0:
		fmt.Fprintln(w, "every other tag is locked")
	default:
		fmt.Fprintln(w, "every tag is locked")
	}
}

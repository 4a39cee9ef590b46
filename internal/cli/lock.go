package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newLock() *cobra.Command {
	var from fetching
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
		Args: arguments(1, -1, "a spec file or a directory"),
	}
	output := outputFlag(c, "text", "json")
	from.registries.addFlags(c.Flags())
	c.Flags().BoolVar(&check, "check", false, "write nothing, and fail when a tag is not locked")
	c.RunE = func(c *cobra.Command, args []string) error {
		docs := loadPaths(c.Context(), args)
		l := locking{docs: docs, check: check}
		if !check {
			resolver, closeIt, err := from.resolver(nil)
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
		l.docs.sortErrors()
		l.print(c.OutOrStdout(), *output == "json")
		if len(l.docs.errors) > 0 || check && len(l.locked) > 0 {
			return errSilent
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
	docs   documents
	check  bool
	locked []locked
	follow []locked // followed tags (`refresh`), which lock leaves alone
}

// list finds the unlocked tags.
func (l *locking) list() {
	l.locked = []locked{}
	for _, s := range l.docs.specs {
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
	for _, s := range l.docs.specs {
		modules[s.Module.Pos] = s
	}
	var found []locked
	for _, one := range l.locked {
		digest, problem := resolver.ResolveTag(ctx, modules[one.at].Module)
		if problem != nil {
			problem.Name = one.Name
			l.docs.errors = append(l.docs.errors, problem)
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
		if err := lockFile(file, byFile[file]); err != nil {
			first := byFile[file][0]
			l.docs.errors = append(l.docs.errors, &spec.Error{
				Code: "lock_failed", Name: first.Name, Pos: first.at, Message: fmt.Sprintf("the file cannot be edited: %v", err),
				Hint: "write it by hand: " + first.To,
			})
			continue
		}
		l.locked = append(l.locked, byFile[file]...)
	}
}

// lockFile replaces the references in a file, and nothing else.
func lockFile(path string, edits []locked) error {
	// A symbolic link stays a link: the edit is in the target.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited, err := lockText(text, edits)
	if err != nil {
		return err
	}
	f, err := atomicfile.Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(edited); err != nil {
		return err
	}
	return f.Commit(filepath.Base(path), info.Mode().Perm())
}

// lockText is lockFile without the file. Several edits at the same place are a single edit: a
// document may take the reference over from another document.
func lockText(text []byte, edits []locked) ([]byte, error) {
	type change struct {
		start, end int
		to         string
	}
	var changes []change
	for _, one := range edits {
		start, ok := offsetOf(text, one.at)
		if !ok {
			return nil, fmt.Errorf("line %d is not what was read", one.at.Line)
		}
		if start < len(text) && (text[start] == '"' || text[start] == '\'') {
			start++
		}
		end := start
		for end < len(text) && isReferenceByte(text[end]) {
			end++
		}
		written := string(text[start:end])
		before, err := spec.ParseReference(written)
		if err != nil || before.WithDigest(one.ref.Digest) != one.ref {
			return nil, fmt.Errorf("the reference on line %d is not written there as it is", one.at.Line)
		}
		to := one.To
		if strings.HasPrefix(written, scheme) {
			to = scheme + to
		}
		changes = append(changes, change{start, end, to})
	}
	slices.SortFunc(changes, func(a, b change) int { return b.start - a.start })
	changes = slices.Compact(changes)
	for _, c := range changes {
		text = slices.Concat(text[:c.start], []byte(c.to), text[c.end:])
	}
	return text, nil
}

func isReferenceByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || strings.IndexByte("._-/:@[]", b) >= 0
}

// offsetOf is the byte offset of a position. The position's column counts characters.
func offsetOf(text []byte, at spec.Position) (int, bool) {
	offset := 0
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		offset = len("\ufeff")
	}
	for range at.Line - 1 {
		next := bytes.IndexByte(text[offset:], '\n')
		if next < 0 {
			return 0, false
		}
		offset += next + 1
	}
	line, _, _ := bytes.Cut(text[offset:], []byte("\n"))
	column := 1
	for i := range string(line) {
		if column == at.Column {
			return offset + i, true
		}
		column++
	}
	return 0, false
}

func (l *locking) print(w io.Writer, asJSON bool) {
	if asJSON {
		problems := []*api.Error{}
		for _, e := range l.docs.errors {
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
		printJSON(w, what)
		return
	}
	var lines sourceLines
	for _, e := range l.docs.errors {
		printProblem(w, &lines, e)
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
	case len(l.locked)+len(l.docs.errors) > 0:
	case len(l.follow) > 0:
		fmt.Fprintln(w, "every other tag is locked")
	default:
		fmt.Fprintln(w, "every tag is locked")
	}
}

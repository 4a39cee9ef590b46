package server

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// waitUntilLive has the server read the specs, waits for the consequences, and prints the result. A
// revision may be a prefix; "" means the revisions of the specs.
func waitUntilLive(ctx context.Context, l look, wait time.Duration, revision string) error {
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	w := waiting{name: l.name, revision: strings.ToLower(revision)}
	last, err := l.follow(ctx, limit, wait, w.read, w.look)
	switch {
	case err == nil:
		l.print(last)
		return nil
	case ctx.Err() != nil || limit.Err() == nil:
		if l.json && last != nil {
			l.print(last)
		}
		return err
	case last == nil:
		return command.Failure("not_live", fmt.Sprintf("the server did not answer within %s", wait), "give it a longer "+l.waitFlag())
	}
	l.print(last)
	return command.Failure("not_live", fmt.Sprintf("not everything is live after %s: %s", wait, w.missing), "give it a longer "+l.waitFlag()+"; the status above says what is missing")
}

// waiting decides when a wait is over.
type waiting struct {
	name     string // "": all filters
	revision string // lower-case, may be a prefix; "": the revisions that the specs describe
	missing  string // the reason of the last look to wait further
}

// read takes the answer of the server's sync. An error means a wait in vain.
func (w *waiting) read(s *api.Sync) error {
	if w.name == "" {
		if s.Error != nil {
			return s.Error
		}
		if len(s.Errors) > 0 {
			return s.Errors[0]
		}
	}
	at := slices.IndexFunc(s.Filters, func(f api.SyncFilter) bool { return f.Name == w.name })
	switch {
	case w.name == "" || w.revision != "" && at < 0:
		return nil
	case at < 0:
		return unknownIn(s, w.name)
	}
	f := &s.Filters[at]
	if w.revision != "" {
		if f.Error != nil && f.Refused != "" && strings.HasPrefix(f.Refused, w.revision) {
			return f.Error
		}
		return nil
	}
	if s.Error != nil && concerns(s.Error, f) {
		return s.Error
	}
	return nil
}

// unknownIn explains why no filter has this name, as far as the sync tells: a document with an
// error may have the name.
func unknownIn(s *api.Sync, name string) error {
	if s.Error != nil {
		return s.Error
	}
	for _, e := range s.Errors {
		if file := filepath.Base(e.File); strings.TrimSuffix(file, filepath.Ext(file)) == name {
			return e
		}
	}
	return nil // the server has a better message
}

// concerns says whether an error of a source concerns the filter's file. An error without a file
// concerns all filters.
func concerns(e *api.Error, f *api.SyncFilter) bool {
	return e.File == "" || f.SpecFile == "" || strings.HasPrefix(f.SpecFile, e.File)
}

// look says whether the wait is over. An error means a wait in vain.
func (w *waiting) look(v *view.View) (done bool, err error) {
	w.missing = ""
	if !v.One {
		if v.Source.State != api.SourceOK && v.Source.State != api.SourceDegraded && v.Source.Error != nil {
			return false, v.Source.Error
		}
		if len(v.Source.Errors) > 0 {
			return false, v.Source.Errors[0]
		}
	}
	for i := range v.Filters {
		missing, err := w.lookAt(&v.Filters[i])
		if err != nil {
			return false, err
		}
		if w.missing == "" {
			w.missing = missing
		}
	}
	return w.missing == "", nil
}

// lookAt describes the reason to wait for a filter; "": none.
func (w *waiting) lookAt(f *api.Filter) (missing string, err error) {
	if w.revision != "" {
		if slices.ContainsFunc(f.Rejected, w.is) && f.Error != nil {
			return "", f.Error
		}
		if !w.is(view.Target(f)) {
			return fmt.Sprintf("filter %s is to run revision %s and not %s", f.Name, cmp.Or(view.Target(f), "-"), w.revision), nil
		}
	} else if f.Error != nil && f.Error.Code == api.CodeRolledBack {
		return "", f.Error
	}
	if e := f.Failure(); e != nil {
		return "", e
	}
	switch f.Condition {
	case api.ConditionLive, api.ConditionNoEnvoy, api.ConditionEnvoysGone:
		return "", nil
	}
	text := fmt.Sprintf("filter %s runs on %d of %s", f.Name, f.Envoys.Live, display.Plural(f.Envoys.Total, "Envoy"))
	switch {
	case f.Error != nil:
		text += ", " + f.Error.Message
	case f.Rollout != "":
		text += ", " + f.Rollout
	}
	return text, nil
}

func (w *waiting) is(revision string) bool { return strings.HasPrefix(revision, w.revision) }

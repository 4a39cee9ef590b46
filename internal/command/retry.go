package command

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Retry returns the revision of a filter to try again, by its id or a prefix of the id. With
// "", it is the wanted revision if that was refused, else the newest refused revision. all are
// the filter's revisions, the newest first. refused says whether an Envoy refused a revision.
func Retry(st delivery.FilterStatus, all []delivery.RevisionStatus, revision string, refused func(id string) bool) (*snapshot.Revision, *api.Error) {
	if revision != "" {
		found, problem := find(st.Name, all, revision)
		return found.Revision, problem
	}
	if w := st.Wanted.Revision; w != nil && (refused(w.ID) || len(w.Refusals) > 0) {
		return w, nil
	}
	for _, s := range all {
		if refused(s.Revision.ID) {
			return s.Revision, nil
		}
	}
	return nil, &api.Error{
		Code: CodeNothingToRetry, Message: fmt.Sprintf("nothing of filter %q was refused", st.Name),
		Hint: fmt.Sprintf("`wasm-xds status %s` shows what it serves", st.Name),
	}
}

// NotRefused is the error for the retry of a revision that nothing refused.
func NotRefused(name string, r *snapshot.Revision) *api.Error {
	return &api.Error{
		Code: CodeNothingToRetry, Message: fmt.Sprintf("revision %s of filter %q was not refused", r.ID, name),
		Hint: fmt.Sprintf("`wasm-xds history %s` shows what was", name),
	}
}

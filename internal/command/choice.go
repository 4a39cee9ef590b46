package command

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// find returns the revision of a filter by its id or a prefix of the id. all are the filter's
// revisions.
func find(name string, all []delivery.RevisionStatus, id string) (delivery.RevisionStatus, *api.Error) {
	var found []delivery.RevisionStatus
	for _, s := range all {
		if strings.HasPrefix(s.Revision.ID, strings.ToLower(id)) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return delivery.RevisionStatus{}, &api.Error{
			Code: api.CodeNoRevision, Message: fmt.Sprintf("filter %q has no revision %q", name, id), Hint: has(all),
		}
	case 1:
		return found[0], nil
	default:
		return delivery.RevisionStatus{}, &api.Error{
			Code: "ambiguous_revision", Message: fmt.Sprintf("%d revisions of filter %q begin with %q", len(found), name, id),
			Hint: "name one of " + list(found),
		}
	}
}

// has is "it has 0123456789ab (active), ba9876543210 (earlier)".
func has(all []delivery.RevisionStatus) string {
	if len(all) == 0 {
		return "there is none yet that could be named"
	}
	return "it has " + list(all)
}

// list is "0123456789ab (active), ba9876543210 (earlier)".
func list(all []delivery.RevisionStatus) string {
	var words []string
	for _, s := range all {
		words = append(words, fmt.Sprintf("%s (%s)", s.Revision.ID, s.Standing))
	}
	return strings.Join(words, ", ")
}

package prometheus

import (
	"regexp"
	"slices"
	"strings"
)

// Variables are the values of the words $filter, $revision, $canaries and $stable in a query.
type Variables struct {
	Filter, Revision string
	// Canaries and Stable are the node ids of the Envoys that run the revision, and of those that
	// run the stable one. In a query they are regular expressions.
	Canaries, Stable []string
}

// maxNodes bounds the node ids in a query. The query of a spec about more Envoys can select them by
// another label.
const maxNodes = 200

// in returns the query with the values in place of the words.
func (v Variables) in(query string) string {
	return strings.NewReplacer(
		"$filter", quoted(v.Filter), "$revision", quoted(v.Revision),
		"$canaries", alternatives(v.Canaries), "$stable", alternatives(v.Stable),
	).Replace(query)
}

// alternatives is a regular expression for any of the node ids, within a quoted string of PromQL.
func alternatives(ids []string) string {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	patterns := make([]string, min(len(ids), maxNodes))
	for i := range patterns {
		patterns[i] = regexp.QuoteMeta(ids[i])
	}
	return quoted(strings.Join(patterns, "|"))
}

// quoted escapes a text for a string in quotes, as PromQL has it.
func quoted(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\x22`, `'`, `\x27`, "\n", `\n`).Replace(text)
}

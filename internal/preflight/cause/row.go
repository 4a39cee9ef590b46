package cause

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// cause is one row of the table that turns symptoms into remedies. A symptom is a detail of one of
// the check's problems, or a line of Envoy's log.
type cause struct {
	code string // stable, snake_case
	// steps are the steps of the check that use the row; none: the row matches only Envoy's own
	// words.
	steps []finding.Step
	// imports matches "module.name" of an import that is missing or has another signature.
	imports string
	// text matches Envoy's words or the check's.
	text string
	// means and do may contain {}, which stands for the import, or for the first group of text that
	// matched a nonempty part.
	means, do string
	// see is the heading in docs/envoy-behaviour.md with the details.
	see string
	// example is a symptom of this row that no earlier row matches.
	example string
}

// row is a cause with its compiled patterns.
type row struct {
	*cause
	imports, text *regexp.Regexp // nil: never
	literals      []string       // texts that are necessary for a match of text, see literalsOf
}

func compile(c *cause) row {
	r := row{cause: c}
	if p := c.imports; p != "" {
		r.imports = regexp.MustCompile(`^(?:` + p + `)$`)
	}
	if p := c.text; p != "" {
		r.text = regexp.MustCompile(`(?i)` + p)
		r.literals = literalsOf(`(?i)` + p)
	}
	return r
}

func (r row) in(step finding.Step) bool { return slices.Contains(r.steps, step) }

// match looks for r in a symptom and returns the import, or the part that the row quotes.
func (r row) match(s symptom) (what string, found bool) {
	if r.imports != nil && s.name != "" && r.imports.MatchString(s.name) {
		return s.name, true
	}
	if r.text == nil || !hasOne(s.lower, r.literals) {
		return "", false
	}
	m := r.text.FindStringSubmatch(s.text)
	switch {
	case m == nil:
		return "", false
	case len(m) == 1:
		return m[0], true
	}
	for _, group := range m[1:] {
		if group != "" {
			return group, true
		}
	}
	return "", true
}

// fill puts the matched text into its places. If there is no text, it removes the places.
func fill(text, what string) string {
	if what == "" {
		return strings.NewReplacer(" ({})", "", " {}", "", "{}", "").Replace(text)
	}
	return strings.ReplaceAll(text, "{}", what)
}

package preflight

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// cause is one row of the table that turns symptoms into remedies. A symptom is a detail of one of
// the check's problems, or a line of Envoy's log.
type cause struct {
	code string // stable, snake_case
	// steps are the steps of the check that use the row; none: the row matches only Envoy's own
	// words.
	steps []Step
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

// rows compiles the constant table once.
var rows = sync.OnceValue(func() []row {
	table := causes()
	compiled := make([]row, len(table))
	for i := range table {
		compiled[i].cause = &table[i]
		if p := table[i].imports; p != "" {
			compiled[i].imports = regexp.MustCompile(`^(?:` + p + `)$`)
		}
		if p := table[i].text; p != "" {
			compiled[i].text = regexp.MustCompile(`(?i)` + p)
			compiled[i].literals = literalsOf(`(?i)` + p)
		}
	}
	return compiled
})

// causeOf finds the cause of a problem of a step. For an import, detail is "module.name", and
// causeOf ignores the part after a blank or a parenthesis. Otherwise detail is the message of the
// check or of the module's runtime. ok is false if the table knows nothing better than the detail
// itself.
func causeOf(step Step, detail string) (code, message, hint string, ok bool) {
	s := symptomOf(detail)
	for _, r := range rows() {
		if !r.in(step) {
			continue
		}
		if what, found := r.match(s); found {
			return r.code, fill(r.means, what), fill(r.do, what), true
		}
	}
	return "", "", "", false
}

func (r row) in(step Step) bool {
	for _, s := range r.steps {
		if s == step {
			return true
		}
	}
	return false
}

// symptom is a detail or a line, prepared for all rows.
type symptom struct {
	text, lower string
	name        string // of the import, or ""
}

func symptomOf(text string) symptom {
	return symptom{text, strings.ToLower(text), importIn(text)}
}

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

// envoysImport is an unlinked import in the words of Envoy's engines.
var envoysImport = regexp.MustCompile(`(?:missing import|import type mismatch|unknown import|unresolved import)[^:]*: *"?([^\s",(]+)`)

// bareImport is an import in the words of the check.
var bareImport = regexp.MustCompile(`^([\w$:/@-]+\.[\w$:/.@<>#*\[\]-]+)(?:[\s(].*)?$`)

// importIn returns the import that a line or a detail names, or "".
func importIn(detail string) string {
	if m := envoysImport.FindStringSubmatch(detail); m != nil && strings.Contains(m[1], ".") {
		return strings.TrimRight(m[1], ".,;")
	}
	if m := bareImport.FindStringSubmatch(strings.TrimSpace(detail)); m != nil {
		return m[1]
	}
	return ""
}

// fill puts the matched text into its places. If there is no text, it removes the places.
func fill(text, what string) string {
	if what == "" {
		return strings.NewReplacer(" ({})", "", " {}", "", "{}", "").Replace(text)
	}
	return strings.ReplaceAll(text, "{}", what)
}

// CausesMarkdown returns the table of causes as a text for people, with a section for each row.
func CausesMarkdown() string {
	var b strings.Builder
	for _, r := range rows() {
		fmt.Fprintf(&b, "\n### `%s`\n\n", r.code)
		fmt.Fprintf(&b, "`%s`\n\n", r.example)
		what, _ := r.match(symptomOf(r.example))
		fmt.Fprintf(&b, "%s.\n\n**What to do**: %s.\n", upperFirst(fill(r.means, what)), fill(r.do, what))
		if r.see != "" {
			fmt.Fprintf(&b, "\nMore: [%s](envoy-behaviour.md#%s)\n", r.see, anchor(r.see))
		}
	}
	return b.String()
}

func upperFirst(s string) string {
	if s == "" || strings.HasPrefix(s, "`") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// anchor returns the anchor of a heading for links.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ' || r == '-':
			b.WriteByte('-')
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_':
			b.WriteRune(r)
		}
	}
	return b.String()
}

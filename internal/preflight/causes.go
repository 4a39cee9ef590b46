package preflight

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// cause is one row of the table that turns symptoms into what to do. A symptom is
// a detail of a problem that the check found, or a line that Envoy wrote.
type cause struct {
	code string // stable, snake_case
	// steps are the steps of the check in which the row is looked for; none: Envoy's own words only.
	steps []Step
	// imports matches "module.name" of an import that is missing or has another signature.
	imports string
	// text matches Envoy's words or the check's.
	text string
	// means and do may contain {}, which stands for the import or for what the
	// first group of text that is not empty has matched.
	means, do string
	// see is the heading in docs/envoy-behaviour.md that tells more.
	see string
	// example is a symptom that this row, and none before it, is for.
	example string
}

// row is a cause with its patterns compiled.
type row struct {
	*cause
	imports, text *regexp.Regexp // nil: never
	literals      []string       // what text needs to match, see literalsOf
}

// rows compiles the table once: it is constant.
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

// causeOf finds what is behind a problem of a step. detail is "module.name" for
// an import (what follows a blank or a parenthesis does not count), else the
// words that the check or the module's runtime has for it. ok is false when the
// table knows nothing better than the detail itself.
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

// symptom is a detail or a line, with what all rows look for in it.
type symptom struct {
	text, lower string
	name        string // of the import that it is about, or ""
}

func symptomOf(text string) symptom {
	return symptom{text, strings.ToLower(text), importIn(text)}
}

// match looks for r in a symptom; what is the import or the part that the row quotes.
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

// envoysImport is how Envoy's engines name an import that they do not link.
var envoysImport = regexp.MustCompile(`(?:missing import|import type mismatch|unknown import|unresolved import)[^:]*: *"?([^\s",(]+)`)

// bareImport is an import as the check names it.
var bareImport = regexp.MustCompile(`^([\w$:/@-]+\.[\w$:/.@<>#*\[\]-]+)(?:[\s(].*)?$`)

// importIn is the import that a line or a detail is about, "" when it is about none.
func importIn(detail string) string {
	if m := envoysImport.FindStringSubmatch(detail); m != nil && strings.Contains(m[1], ".") {
		return strings.TrimRight(m[1], ".,;")
	}
	if m := bareImport.FindStringSubmatch(strings.TrimSpace(detail)); m != nil {
		return m[1]
	}
	return ""
}

// fill puts what was matched into its places. Where that is nothing, they go.
func fill(text, what string) string {
	if what == "" {
		return strings.NewReplacer(" ({})", "", " {}", "", "{}", "").Replace(text)
	}
	return strings.ReplaceAll(text, "{}", what)
}

// CausesMarkdown is the table of causes for people to read, a section a row.
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

// anchor is what a heading is linked by.
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

package cause

import (
	"fmt"
	"strings"
)

// Markdown returns the table of causes as a text for people, with a section for each row.
func Markdown() string {
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

package runner

import (
	"strings"
	"unicode/utf8"
)

func isText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' })
}

// diffLines shows the differences of texts line by line, with at most one line of the common
// beginning and end. The result is "" for texts of one line.
func diffLines(want, got string) string {
	if !strings.Contains(strings.TrimSuffix(want, "\n"), "\n") && !strings.Contains(strings.TrimSuffix(got, "\n"), "\n") {
		return ""
	}
	a, b := strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")
	first := 0
	for first < len(a) && first < len(b) && a[first] == b[first] {
		first++
	}
	last := 0
	for last < len(a)-first && last < len(b)-first && a[len(a)-1-last] == b[len(b)-1-last] {
		last++
	}
	var out strings.Builder
	line := func(mark, text string) {
		// A missing line end is part of the difference.
		if !strings.HasSuffix(text, "\n") {
			if text == "" {
				return
			}
			text += "⏎\n"
		}
		out.WriteString(mark + text)
	}
	if first > 0 {
		line("  ", a[first-1])
	}
	for _, text := range a[first : len(a)-last] {
		line("- ", text)
	}
	for _, text := range b[first : len(b)-last] {
		line("+ ", text)
	}
	if last > 0 {
		line("  ", a[len(a)-last])
	}
	return out.String()
}

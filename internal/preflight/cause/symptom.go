package cause

import (
	"regexp"
	"strings"
)

// envoysPrefix is Envoy's prefix of each line: time, thread, level, logger and source.
var envoysPrefix = regexp.MustCompile(`^(?:\[[^\]]*\] ?)+`)

// withoutPrefix returns the words of a line of Envoy's log.
func withoutPrefix(line string) string {
	return strings.TrimSpace(envoysPrefix.ReplaceAllString(line, ""))
}

// symptom is a detail or a line, prepared for all rows.
type symptom struct {
	text, lower string
	name        string // of the import, or ""
}

func symptomOf(text string) symptom {
	return symptom{text, strings.ToLower(text), importIn(text)}
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

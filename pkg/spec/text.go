package spec

import (
	"unicode/utf8"
)

// brief shortens text for a quotation in an error.
func brief(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// join returns the path of a field in a section.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// orDefault returns value, or fallback in place of the zero value.
func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

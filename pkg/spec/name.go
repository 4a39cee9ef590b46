package spec

import (
	"fmt"
	"strings"
)

const maxName = 253

// nameProblem returns the problem of a filter's name, or "".
func nameProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxName:
		return fmt.Sprintf("has %d characters, more than %d", len(name), maxName)
	}
	for _, r := range name {
		if r > 'z' || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/", r) {
			return fmt.Sprintf("%q contains %q; it may have letters, digits and . _ - /", brief(name), r)
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Sprintf("%q has an empty, . or .. part between its slashes", brief(name))
		}
	}
	return ""
}

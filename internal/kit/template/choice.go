package template

import (
	"fmt"
	"regexp"
	"strings"
)

// Kind is the kind of a filter to begin with.
type Kind struct {
	Type string // of the spec: http or network
	From string // the template's name: headers, auth and so on
	// Sentence describes a filter of this kind.
	Sentence string
	// Request is a request for `dev --request` to show the filter. For a network filter, it
	// goes through the TCP listener.
	Request string
}

func (k Kind) dir() string { return k.Type + "-" + k.From }

// Kinds returns the kinds. The first kind of each type is the default.
func Kinds() []Kind {
	return []Kind{
		{"http", "headers", "An HTTP filter for Envoy that adds a header to each response, and takes another one out.", "GET /"},
		{"http", "auth", "An HTTP filter for Envoy that lets only requests with a known token pass.", "GET / token=7"},
		{"http", "body", "An HTTP filter for Envoy that replaces a word in the bodies of text responses.", "GET /"},
		{"http", "ratelimit", "An HTTP filter for Envoy that lets a number of requests pass in a minute.", "GET /"},
		{"http", "logger", "An HTTP filter for Envoy that logs each request at its end.", "GET /"},
		{"network", "logger", "A network filter for Envoy that logs each TCP connection at its end.", "GET /"},
	}
}

// FindKind returns the kind with a type and a template. An empty type or template means the first
// that fits. The error names all combinations.
func FindKind(kind, from string) (Kind, error) {
	var all []string
	for _, k := range Kinds() {
		if (kind == "" || k.Type == kind) && (from == "" || k.From == from) {
			return k, nil
		}
		all = append(all, "--type "+k.Type+" --from "+k.From)
	}
	return Kind{}, fmt.Errorf("there is no template for --type %s --from %s: there are %s", kind, from, strings.Join(all, ", "))
}

// Languages returns the languages, as in the flag --lang.
func Languages() []string {
	var ids []string
	for _, l := range languages() {
		ids = append(ids, l.id)
	}
	return ids
}

// name matches the names for all of the languages, Envoy and file systems.
var name = regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`)

// longestName leaves room for suffixes in the names of files.
const longestName = 60

// CheckName returns an error for an impossible name of a project.
func CheckName(text string) error {
	if !name.MatchString(text) || len(text) > longestName {
		return fmt.Errorf("%q cannot be the name of a filter: "+
			"it has to be of a to z, 0 to 9, - and _, begin with a letter, and have at most %d letters", text, longestName)
	}
	return nil
}

package kit

import "github.com/wasm-xds/wasm-xds/internal/kit/template"

// choices are the flags of init, and the answers to its questions.
type choices struct{ name, language, kind, from string }

// types are the values of --type, and froms those of --from with a type; "": any type.
func types() []string {
	var all []string
	for _, k := range template.Kinds() {
		all = appendNew(all, k.Type)
	}
	return all
}

func froms(kind string) []string {
	var all []string
	for _, k := range template.Kinds() {
		if kind == "" || k.Type == kind {
			all = appendNew(all, k.From)
		}
	}
	return all
}

func appendNew(all []string, one string) []string {
	for _, known := range all {
		if known == one {
			return all
		}
	}
	return append(all, one)
}

func contains(all []string, one string) bool { return len(appendNew(all, one)) == len(all) }

package static

import (
	"cmp"
	"strings"
)

// Arrow formats a signature for people.
func Arrow(signature string) string {
	names := map[rune]string{'i': "i32", 'I': "i64", 'f': "f32", 'F': "f64", 'v': "v128", 'r': "ref"}
	list := func(letters string) string {
		var words []string
		for _, letter := range letters {
			words = append(words, cmp.Or(names[letter], "?"))
		}
		return "(" + strings.Join(words, " ") + ")"
	}
	params, results, _ := strings.Cut(signature, ":")
	return list(params) + " -> " + list(results)
}

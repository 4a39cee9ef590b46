package envoyconfig

import (
	"bytes"
	"encoding/json"
	"strings"
)

// JSON renders a value on a single line as Envoy reads the text: words like yes are booleans
// without quotes.
func JSON(n *Node) string {
	var parts []string
	switch n.Kind {
	case Map:
		for _, e := range n.Entries {
			parts = append(parts, Quote(e.Key.Text)+": "+JSON(e.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case List:
		for _, item := range n.Items {
			parts = append(parts, JSON(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Null:
		return "null"
	}
	if kind, text := n.Resolved(); kind != String {
		return text
	}
	return Quote(n.Text)
}

// Resolved returns the kind and the text of a value as Envoy reads them: words like yes are
// booleans without quotes. A value that is no scalar has no text.
func (n *Node) Resolved() (Kind, string) {
	switch n.Kind {
	case Bool:
		return Bool, strings.ToLower(n.Text)
	case String:
		if n.Alias != nil || n.quoted() {
			return String, n.Text
		}
		switch strings.ToLower(n.Text) {
		case "yes", "on", "y":
			return Bool, "true"
		case "no", "off", "n":
			return Bool, "false"
		}
	}
	return n.Kind, n.Text
}

// quoted says whether a scalar has quotes in the file.
func (n *Node) quoted() bool {
	source := n.Source()
	return strings.HasPrefix(source, `"`) || strings.HasPrefix(source, `'`)
}

// Quote returns a text as a string of JSON, which is a string of YAML, too.
func Quote(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string is never an error
	return strings.TrimSuffix(out.String(), "\n")
}

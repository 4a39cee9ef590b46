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
	case Bool:
		return strings.ToLower(n.Text)
	case Number:
		return n.Text
	}
	if source := n.Source(); n.Alias == nil && !strings.HasPrefix(source, `"`) && !strings.HasPrefix(source, `'`) {
		switch strings.ToLower(n.Text) {
		case "yes", "on", "y":
			return "true"
		case "no", "off", "n":
			return "false"
		}
	}
	return Quote(n.Text)
}

// Quote returns a text as a string of JSON, which is a string of YAML, too.
func Quote(text string) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string is never an error
	return strings.TrimSuffix(out.String(), "\n")
}

package envoyconfig

import (
	"strconv"
	"strings"
	"time"
)

// Field returns the field of a map and the key. Protobuf's JSON form knows two spellings of a
// field, type_urls and typeUrls; name is the first. The results are nil if n is no map, or has no
// such field. A nil node has no fields. If a field is there twice, the last counts, as in Envoy.
func (n *Node) Field(name string) (key, value *Node) {
	if n == nil || n.Kind != Map {
		return nil, nil
	}
	camel := camelCase(name)
	for _, e := range n.Entries {
		if e.Key.Text == name || e.Key.Text == camel {
			key, value = e.Key, e.Value
		}
	}
	return key, value
}

// Get follows fields: Get("a", "b") is the field b of the field a; nil: there is no such field.
func (n *Node) Get(path ...string) *Node {
	for _, name := range path {
		_, n = n.Field(name)
	}
	return n
}

// Has says whether a map has a field other than null.
func (n *Node) Has(name string) bool {
	value := n.Get(name)
	return value != nil && value.Kind != Null
}

// All returns the items of the list in a field; any other field has no items.
func (n *Node) All(path ...string) []*Node {
	list := n.Get(path...)
	if list == nil || list.Kind != List {
		return nil
	}
	return list.Items
}

// Scalar returns the text of the scalar in a field; "": there is none.
func (n *Node) Scalar(path ...string) string {
	value := n.Get(path...)
	if value == nil {
		return ""
	}
	return value.Text
}

// True says whether a field is true.
func (n *Node) True(path ...string) bool { return strings.EqualFold(n.Scalar(path...), "true") }

// Int returns the number in a field; 0: there is none.
func (n *Node) Int(path ...string) int {
	number, _ := strconv.Atoi(n.Scalar(path...)) // Envoy refuses anything else
	return number
}

// Duration returns the duration in a field, in protobuf's form: 1.5s. ok is false without a
// duration.
func (n *Node) Duration(path ...string) (d time.Duration, ok bool) {
	text := n.Scalar(path...)
	if !strings.HasSuffix(text, "s") {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts {
		if i > 0 && part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

package spec

// ValueKind is the kind of a [Value].
type ValueKind uint8

// The kinds of values. The zero value is an empty value, as in "key:".
const (
	NullValue ValueKind = iota
	BoolValue
	NumberValue
	StringValue
	MapValue
	ListValue
)

// Value is a value of an Envoy's configuration that a reader other than [Decode] has parsed.
type Value struct {
	Kind   ValueKind
	Text   string       // of a scalar, without quotes
	Fields []ValueField // of a map, in order
	Items  []*Value     // of a list
	Pos    Position
}

// ValueField is a field of a map.
type ValueField struct {
	Key, Value *Value
}

// tree returns the value as a node.
func (v *Value) tree() *node {
	n := &node{kind: [...]kind{kindNull, kindBool, kindNumber, kindString, kindMap, kindList}[v.Kind], text: v.Text, pos: v.Pos}
	for _, f := range v.Fields {
		n.entries = append(n.entries, entry{key: f.Key.tree(), value: f.Value.tree()})
	}
	for _, item := range v.Items {
		n.items = append(n.items, item.tree())
	}
	return n
}

package schema

// rule is the type of a field _ with tags that hold for the whole mapping: exactlyOne has the
// fields of which one is set, and needs a field and the field that it needs, separated by =.
type rule struct{}

// OneOf marks a type with the alternatives of a single value as fields.
type OneOf struct{}

// null is the value null.
type null struct{}

// Duration is a time as in Go: 500ms, 1s or 1m30s.
type Duration string

// Percentage is a share with its sign: 1% or 0.5%.
type Percentage string

// Size is a number of bytes with a binary unit: 512Ki, 16Mi or 1Gi.
type Size string

// Bytes is a size, or a number of bytes.
type Bytes struct {
	OneOf
	Size   Size
	Number int `minimum:"0"`
}

// Scalar is text, a number or a boolean.
type Scalar struct {
	OneOf
	Text    string
	Number  float64
	Boolean bool
}

// Nodes selects Envoys. All keys that are set must match.
type Nodes struct {
	// IDs are ids of Envoys. Any of them matches.
	IDs []string `json:"ids" minItems:"1"`
	// Clusters are clusters of Envoys. Any of them matches.
	Clusters []string `json:"clusters" minItems:"1"`
	// Metadata has keys of the metadata of Envoys, and their values as text.
	Metadata map[string]Scalar `json:"metadata"`
}

package snapshot

import "fmt"

// Variant is the way in which a module reaches Envoy. On the wire a variant is one letter.
type Variant byte

// The variants.
const (
	Remote Variant = 'r' // Envoy fetches the module over HTTP
	Inline Variant = 'i' // the resource contains the module
	File   Variant = 'f' // Envoy reads the module from a file
)

// Valid reports whether v is a variant.
func (v Variant) Valid() bool { return v == Remote || v == Inline || v == File }

// String returns remote, inline or file, or "" for the zero value.
func (v Variant) String() string {
	switch v {
	case Remote:
		return "remote"
	case Inline:
		return "inline"
	case File:
		return "file"
	case 0:
		return ""
	default:
		return fmt.Sprintf("variant %q", byte(v))
	}
}

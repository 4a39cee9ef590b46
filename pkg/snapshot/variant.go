package snapshot

import "fmt"

// Variant is how a revision's module travels: one letter on the wire.
type Variant byte

// The variants.
const (
	Remote Variant = 'r' // Envoy fetches it over HTTP
	Inline Variant = 'i' // it is in the resource
	File   Variant = 'f' // Envoy reads a file
)

// Valid says whether it is one of the variants.
func (v Variant) Valid() bool { return v == Remote || v == Inline || v == File }

// String is remote, inline or file; "" for the zero value.
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

package signature

import "time"

// Kind is the kind of a [Found].
type Kind string

// The kinds.
const (
	KindSignature   Kind = "signature"
	KindAttestation Kind = "attestation"
)

// Found is a signature or an attestation, with the result of the verification.
type Found struct {
	Kind  Kind   `json:"kind"`
	Place string `json:"place,omitempty"` // a file, or a digest in the registry
	// PredicateType is the type of an attestation. Builder is the builder's id in a SLSA
	// provenance.
	PredicateType string `json:"predicateType,omitempty"`
	Builder       string `json:"builder,omitempty"`

	// Key is the file of the signing key. Subject and Issuer are the owner of the signing
	// certificate. All are "" if the signature is not valid.
	Key     string `json:"key,omitempty"`
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	// Time is the time of signing as TimeBy proves it, a transparency log or a timestamp authority.
	// The zero value means no proof.
	Time   time.Time `json:"time,omitzero"`
	TimeBy string    `json:"timeBy,omitempty"`
	// Log is the transparency log with the signature; "": none. LogIndex is the entry's index.
	Log      string `json:"log,omitempty"`
	LogIndex int64  `json:"logIndex,omitempty"`

	Problem string `json:"problem,omitempty"` // the reason for which the signature does not count; "": none

	// authority is empty in a Found with a problem.
	authority string // the fingerprint of the key or identity that counts
}

package api

import "time"

// Signature is a signature or an attestation by which a module was accepted.
type Signature struct {
	Kind string `json:"kind"` // signature or attestation
	// PredicateType is the type of an attestation. Builder is the builder's id in a SLSA
	// provenance.
	PredicateType string `json:"predicateType,omitempty"`
	Builder       string `json:"builder,omitempty"`
	// Key is the file of the key that signed. Subject and Issuer are the owner of the certificate
	// that signed, and the issuer that vouched for the owner.
	Key     string `json:"key,omitempty"`
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	// Time is the time of signing, as the log or authority with the URL TimeBy proves it. Log is
	// the URL of the transparency log that has the signature, and LogIndex is its entry. A
	// signature by a key has none of them.
	Time     time.Time `json:"time,omitzero"`
	TimeBy   string    `json:"timeBy,omitempty"`
	Log      string    `json:"log,omitempty"`
	LogIndex int64     `json:"logIndex,omitempty"`
}

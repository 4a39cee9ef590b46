package api

import "time"

// Signature is a signature or an attestation by which a module was accepted.
type Signature struct {
	Kind string `json:"kind"` // signature or attestation
	// PredicateType is the type of an attestation. Builder is the builder's id in a SLSA
	// provenance.
	PredicateType string `json:"predicateType,omitempty"`
	Builder       string `json:"builder,omitempty"`
	// Key is the file of the key. For a signature by a certificate, Subject is the owner of the
	// certificate, and Issuer vouched for the owner.
	Key     string `json:"key,omitempty"`
	Subject string `json:"subject,omitempty"`
	Issuer  string `json:"issuer,omitempty"`
	// Time is the time of signing, proved by the log or authority with the URL TimeBy. Log is the
	// URL of the transparency log, and LogIndex is the entry there. A signature by a key has no
	// time and no log.
	Time     time.Time `json:"time,omitzero"`
	TimeBy   string    `json:"timeBy,omitempty"`
	Log      string    `json:"log,omitempty"`
	LogIndex int64     `json:"logIndex,omitempty"`
}

package api

import "time"

// Certificate is the certificate of one or several ports, as GET /api/v1/certificates lists.
type Certificate struct {
	Ports []string `json:"ports"` // xds, modules or admin
	// File is the PEM file of the certificate; "": it comes from a SPIFFE agent.
	File string `json:"file"`
	// Socket is the socket of the SPIFFE agent, and SPIFFEID the identity in the certificate; "":
	// the certificate comes from a file. SPIFFEID is "" also until the agent has given a
	// certificate.
	Socket   string `json:"socket,omitempty"`
	SPIFFEID string `json:"spiffeId,omitempty"`
	// NotBefore and NotAfter are the time in which the whole chain is valid. Both are absent until
	// there is a certificate.
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	// Error says why there is no newer certificate than the last good one; null: nothing is wrong.
	Error *Error `json:"error"`
}

const (
	// soon is the time before the end of a certificate from which the certificate needs a look.
	// Certificates of 90 days are usually replaced a month before their end.
	soon = 14 * 24 * time.Hour
	// lastPart is the last part of a short certificate's life, a quarter, in which the certificate
	// needs a look. SPIFFE agents replace a certificate after half of its time, other tools after
	// two thirds.
	lastPart = 4
)

// EndsSoon reports whether a certificate should have been replaced by now: 14 days before its end,
// or with less than a quarter of its time left if that is shorter.
func (c *Certificate) EndsSoon(now time.Time) bool {
	return c.NotAfter.Sub(now) < min(soon, c.NotAfter.Sub(c.NotBefore)/lastPart)
}

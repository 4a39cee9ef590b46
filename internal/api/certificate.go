package api

import "time"

// Certificate is the certificate of one or several ports, as GET /api/v1/certificates lists.
type Certificate struct {
	Ports    []string  `json:"ports"` // xds, modules or admin
	File     string    `json:"file"`
	NotAfter time.Time `json:"notAfter"` // the first end in the certificate's chain
	// Error says why the newest files are not used; the last good ones are. null: they are used.
	Error *Error `json:"error"`
}

package api

import "time"

// Identity says how Envoys are bound to their certificates, as GET /api/v1/identity does.
type Identity struct {
	Mode  string `json:"mode"`  // none or san
	File  string `json:"file"`  // of the rules; "": there is no file
	Rules int    `json:"rules"` // the number of rules in use
	// Error says why the newest rules are not used; the last good ones are. null: they are used.
	Error *Error `json:"error"`
	// Refusals are the claims of the last hour that certificates did not cover, sorted by
	// certificate. A certificate with many claims has some of them.
	Refusals []ClaimRefusal `json:"refusals"`
}

// ClaimRefusal is a claim that the certificate of a client does not cover.
type ClaimRefusal struct {
	Certificate string    `json:"certificate"` // its first few URIs and DNS names
	Claim       string    `json:"claim"`       // node, cluster, filter or module
	Text        string    `json:"text"`        // the node id, the node id and the cluster, the filter or the module's sha256
	Address     string    `json:"address"`     // of the last client
	Count       uint64    `json:"count"`
	Last        time.Time `json:"last"`
	Message     string    `json:"message"`
	Hint        string    `json:"hint"`
}

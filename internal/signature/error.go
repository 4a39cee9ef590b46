package signature

import (
	"errors"
	"fmt"
	"strings"
)

// The codes of this package's errors.
const (
	CodeMissing            = "signature_missing"   // there is no signature
	CodeInvalid            = "signature_invalid"   // no signature by a trusted key or identity, for this content
	CodeKey                = "signature_key"       // the file of a key is unusable
	CodeRoot               = "signature_root"      // the trusted root is missing or unusable
	CodeAttestationMissing = "attestation_missing" // there is no attestation of a required type
	CodeAttestationInvalid = "attestation_invalid" // no attestation of a required type is valid
)

// Error is the fault of a signature, an attestation, a key or a trusted root. Any other error of
// this package comes from the fetching of signatures.
type Error struct {
	Code        string
	Message     string // one sentence that begins with its subject
	Hint        string // the next step
	Attestation string // the predicate type of the attestation at fault; "": none is
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func listed(message string, problems []string) string {
	const shown = 3
	for i, problem := range problems {
		if i == shown {
			return fmt.Sprintf("%s; and %d more", message, len(problems)-shown)
		}
		message += "; " + problem
	}
	return message
}

// errOtherKey is the error without a fitting key: the signature is by another key, or of other
// bytes.
var errOtherKey = errors.New("it is by another key, or of other bytes")

// brief returns the text of an error of a library in one line of bounded length.
func brief(err error) string {
	const most = 300
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

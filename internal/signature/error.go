package signature

import (
	"errors"
	"fmt"
)

// The codes of this package's errors.
const (
	CodeMissing = "signature_missing" // there is no signature
	CodeInvalid = "signature_invalid" // no signature by any of the keys for this content
	CodeKey     = "signature_key"     // the file of a key is unusable
)

// Error is the fault of a signature or a key. Any other error of this package comes from
// the fetching of signatures.
type Error struct {
	Code    string
	Message string // one sentence that begins with its subject
	Hint    string // the next step
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func missing(name, hint string) *Error {
	return &Error{Code: CodeMissing, Message: name + " is not signed, and has to be", Hint: hint}
}

func invalid(name string, problems []error) *Error {
	const shown = 3
	message := fmt.Sprintf("%s has no valid signature", name)
	for i, problem := range problems {
		if i == shown {
			message += fmt.Sprintf("; and %d more", len(problems)-shown)
			break
		}
		message += "; " + problem.Error()
	}
	return &Error{Code: CodeInvalid, Message: message, Hint: "sign it again with a key that is trusted here, or name the key that it is signed with"}
}

// errOtherKey says that no key fits: the signature is by another key, or of other bytes.
var errOtherKey = errors.New("it is by another key, or of other bytes")

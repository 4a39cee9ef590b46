package etcd

import (
	"encoding/json"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

const (
	// mostValue bounds a value, in bytes. etcd's own limit of a request is 1.5 MiB.
	mostValue = 1 << 20
	// mostWords bounds a foreign text in a value, like Envoy's reason for a refusal.
	mostWords = 4 << 10
)

// tooLargeError is the error for a value beyond the limit.
type tooLargeError struct {
	what string
	size int
}

func (e tooLargeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, and etcd takes %d at most", e.what, e.size, mostValue)
}

// encode returns a value as JSON. what names the value in the error.
func encode(what string, value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if len(text) > mostValue {
		return "", tooLargeError{what, len(text)}
	}
	return string(text), nil
}

// decode reads a value. Fields of a newer version are skipped.
func decode[T any](text []byte) (value T, err error) {
	err = json.Unmarshal(text, &value)
	return value, err
}

// encodeRevision returns the content of a revision, sealed if there are keys.
func encodeRevision(k *seal.Keys, r *snapshot.Revision) (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("the revision %s of %s: %w", r.ID, r.Filter, err)
	}
	if text = k.Seal(text); len(text) > mostValue {
		return "", tooLargeError{fmt.Sprintf("the revision %s of %s", r.ID, r.Filter), len(text)}
	}
	return string(text), nil
}

// decodeRevision reads the content of a revision, and checks that the content has the id.
func decodeRevision(k *seal.Keys, id string, text []byte) (*snapshot.Revision, error) {
	open, err := k.Open(text)
	if err != nil {
		return nil, err
	}
	r := &snapshot.Revision{}
	if err := json.Unmarshal(open, r); err != nil {
		return nil, err
	}
	if again := *r; again.Seal().ID != id {
		return nil, fmt.Errorf("the content is that of the revision %s", again.ID)
	}
	return r, nil
}

// outcome is the value of the outcome of a command.
type outcome struct {
	Problem string `json:"problem,omitempty"`
}

// short bounds a foreign text.
func short(text string) string {
	if len(text) > mostWords {
		return text[:mostWords]
	}
	return text
}

package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
)

// pendingFile has the messages that no receiver has taken yet.
const pendingFile = "webhooks.json"

// Files keeps a small file across restarts. [internal/state.Dir] implements Files.
type Files interface {
	// Write returns when the data survives the end of the process.
	Write(name string, data []byte) error
	// Load fails with [fs.ErrNotExist] if there is no data.
	Load(name string) ([]byte, error)
}

// pending is the content of the file: the messages of each receiver, the oldest first. The keys are
// hashes, because a URL may have a secret.
type pending struct {
	Receivers map[string][]*message `json:"receivers"`
}

// keyOf is the key of a receiver's URL.
func keyOf(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:8])
}

// load reads the file of an earlier process. A missing file has no messages.
func load(files Files) (pending, error) {
	p := pending{}
	text, err := files.Load(pendingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(text, &p)
}

func (p pending) save(files Files) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return files.Write(pendingFile, text)
}

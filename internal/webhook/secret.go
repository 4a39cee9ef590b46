package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The headers of Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

const (
	// secretPrefix begins a secret in base64, as Standard Webhooks writes it.
	secretPrefix = "whsec_"
	// leastSecret is the shortest secret in bytes, from Standard Webhooks.
	leastSecret = 24
	// mostSecrets bounds the secrets of a file. Two are enough for a rotation.
	mostSecrets = 10
	maxFile     = 64 << 10
)

// codeBadFile is the code of an error about the file of secrets.
const codeBadFile = "bad_webhook_secret"

// Secrets are the secrets of a file. Every message has a signature by each of them, so a rotation
// adds the new secret, changes the receivers, and removes the old secret. Secrets is safe for
// concurrent use.
type Secrets struct {
	path    string
	current atomic.Pointer[content]
}

// content is the content of a file at one time. It never changes.
type content struct {
	text   []byte
	keys   [][]byte
	public bool
}

// OpenSecrets reads a file with a secret a line. Empty lines and lines that begin with # do not
// count. A line is whsec_ and base64, or the bytes of the secret themselves.
func OpenSecrets(path string) (*Secrets, error) {
	c, err := readSecrets(path)
	if err != nil {
		return nil, err
	}
	s := &Secrets{path: path}
	s.current.Store(c)
	return s, nil
}

// Reload reads the file again, and reports whether it has changed. After an error, the former
// secrets stay.
func (s *Secrets) Reload() (changed bool, err error) {
	c, err := readSecrets(s.path)
	if err != nil || bytes.Equal(c.text, s.current.Load().text) {
		return false, err
	}
	s.current.Store(c)
	return true, nil
}

// Path returns the path of the file.
func (s *Secrets) Path() string { return s.path }

// IsPublic reports whether every user of the machine could read the file when it was last read.
func (s *Secrets) IsPublic() bool { return s.current.Load().public }

// signatures is the value of the header webhook-signature. A nil Secrets has none.
func (s *Secrets) signatures(id string, at time.Time, body []byte) string {
	if s == nil {
		return ""
	}
	var all []string
	for _, key := range s.current.Load().keys {
		all = append(all, sign(key, id, at, body))
	}
	return strings.Join(all, " ")
}

// sign is "v1," and the HMAC-SHA256 of id.timestamp.body in base64.
func sign(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func readSecrets(path string) (*content, error) {
	file, info, err := regular.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer file.Close()
	text, err := regular.ReadAll(file, maxFile)
	if err != nil {
		return nil, unreadable(path, err)
	}
	keys, err := parseSecrets(path, text)
	if err != nil {
		return nil, err
	}
	return &content{text: text, keys: keys, public: info.Mode().Perm()&0o004 != 0}, nil
}

// parseSecrets returns the secrets of a text. No error has a part of a line.
func parseSecrets(path string, text []byte) (keys [][]byte, err error) {
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key := []byte(line)
		if encoded, is := strings.CutPrefix(line, secretPrefix); is {
			if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
				return nil, badSecret(path, number, "the text after "+secretPrefix+" is no base64")
			}
		}
		if len(key) < leastSecret {
			return nil, badSecret(path, number, fmt.Sprintf("the secret has %d bytes, and needs %d", len(key), leastSecret))
		}
		keys = append(keys, key)
	}
	switch {
	case len(keys) == 0:
		return nil, badSecret(path, 0, "the file has no secret")
	case len(keys) > mostSecrets:
		return nil, badSecret(path, 0, fmt.Sprintf("the file has %d secrets, and may have %d", len(keys), mostSecrets))
	}
	return keys, nil
}

func badSecret(path string, line int, problem string) error {
	return &spec.Error{
		Code: codeBadFile, Message: "the secret of the webhooks cannot be used: " + problem,
		Hint: "make a secret with: echo whsec_$(openssl rand -base64 32)", Pos: spec.Position{File: path, Line: line},
	}
}

func unreadable(path string, err error) error {
	e := &spec.Error{
		Code: codeBadFile, Message: "the secret of the webhooks cannot be read: " + reason.Of(err),
		Hint: "name a file of secrets with --webhook-secret-file", Pos: spec.Position{File: path},
	}
	if errors.Is(err, fs.ErrPermission) {
		e.Hint = "let this process's user read the file"
	}
	return e
}

// Package token keeps the tokens of the API's clients, as a file has them now.
//
// [Parse] reads the text of a file into a [Set], which finds the [Client] of a token. [Open] reads
// a file, and [File.Reload] reads it again: a bad new file changes nothing. A set keeps only hashes
// of the tokens, and no error has a part of a line in it, because a mistyped line may be a token.
package token

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Role has the rights of a client.
type Role string

// The roles. Operate includes read.
const (
	Read    Role = "read"    // see everything that the API shows
	Operate Role = "operate" // change filters, too
)

// Client is the client of a token.
type Client struct {
	Name string // the second of three words in its line; without one, "line 3"
	Role Role
}

// Set is the tokens of a file. It never changes. The zero value has no token.
type Set struct{ entries []entry }

type entry struct {
	client Client
	sum    [sha256.Size]byte // of the token
}

// These bound a file and its tokens. A token of 8 characters is guessed in no useful time over a
// network; openssl rand -hex 32 makes one of 64.
const (
	maxFile     = 1 << 20
	shortest    = 8
	longest     = 4096
	longestName = 32
)

// Parse reads the text of a file. Each line is the word read or operate, perhaps a name, and a
// token. A line that begins with # is a comment. The errors have the file's name and the line.
func Parse(file string, text []byte) (*Set, error) {
	set, names := &Set{}, map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxFile)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		client, token, problem := parseLine(words, n)
		sum := sha256.Sum256([]byte(token))
		if problem == "" && names[client.Name] > 0 {
			problem = fmt.Sprintf("the name is already that of line %d", names[client.Name])
		}
		if before, known := set.find(sum); problem == "" && known {
			problem = fmt.Sprintf("the token is already that of %s", before.Name)
		}
		if problem != "" {
			return nil, &spec.Error{Code: codeBadFile, Message: problem, Hint: hint, Pos: spec.Position{File: file, Line: n}}
		}
		names[client.Name] = n
		set.entries = append(set.entries, entry{client, sum})
	}
	if err := lines.Err(); err != nil {
		return nil, &spec.Error{Code: codeBadFile, Message: "the file cannot be read: a line is too long", Hint: hint, Pos: spec.Position{File: file}}
	}
	if len(set.entries) == 0 {
		return nil, &spec.Error{Code: codeBadFile, Message: "the file has no token", Hint: hint, Pos: spec.Position{File: file}}
	}
	return set, nil
}

// codeBadFile is the code of all errors.
const codeBadFile = "bad_token_file"

const hint = `a line is "read TOKEN" or "operate TOKEN", perhaps with a name before the token; ` +
	"`openssl rand -hex 32` makes a good token"

// parseLine returns the problem of a line; "" means none.
func parseLine(words []string, line int) (client Client, token, problem string) {
	client = Client{Name: fmt.Sprintf("line %d", line), Role: Role(words[0])}
	switch {
	case client.Role != Read && client.Role != Operate:
		return client, "", "the first word is neither read nor operate"
	case len(words) == 1:
		return client, "", "the token is missing"
	case len(words) > 3:
		return client, "", "the line has more than three words"
	}
	token = words[len(words)-1]
	if len(words) == 3 {
		client.Name = words[1]
		if len(client.Name) > longestName || strings.Trim(strings.ToLower(client.Name), "abcdefghijklmnopqrstuvwxyz0123456789._@-") != "" {
			return client, "", fmt.Sprintf("the name is not of letters, digits, and . _ @ -, or has more than %d", longestName)
		}
	}
	if len(words) == 3 && len(token) <= len(client.Name) { // else a token would be logged as a name
		return client, "", "the token is not longer than the name before it: are they in this order?"
	}
	return client, token, problemIn(token)
}

// problemIn returns the problem of a token; "" means none.
func problemIn(token string) string {
	switch {
	case len(token) < shortest:
		return fmt.Sprintf("the token has fewer than %d characters", shortest)
	case len(token) > longest:
		return fmt.Sprintf("the token has more than %d characters", longest)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "the token has characters beyond ASCII, which no HTTP header can carry"
	}
	return ""
}

// Find returns the client of a token. The time does not depend on how much of a token is right,
// because hashes of the same length are compared, and always with all tokens.
func (s *Set) Find(token string) (Client, bool) { return s.find(sha256.Sum256([]byte(token))) }

func (s *Set) find(sum [sha256.Size]byte) (c Client, found bool) {
	for i := range s.entries {
		if e := &s.entries[i]; subtle.ConstantTimeCompare(e.sum[:], sum[:]) == 1 {
			c, found = e.client, true
		}
	}
	return c, found
}

// sum identifies the content of the set.
func (s *Set) sum() []byte {
	h := sha256.New()
	for i := range s.entries {
		e := &s.entries[i]
		_, _ = fmt.Fprintf(h, "%s\n%s\n%x\n", e.client.Name, e.client.Role, e.sum) // never fails
	}
	return h.Sum(nil)
}

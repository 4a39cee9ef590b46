package signature

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/singleflight"
)

// maxLines is the number of lines after which the file of a [Checked] starts again.
const maxLines = 20_000

// maxLine is the size limit of the JSON in a line, in bytes. A scanner reads lines of up to 64 KiB.
const maxLine = 16 << 10

// Checked remembers the signatures and attestations of digests, and each is checked only once. The
// result stays valid because neither the content of a digest nor a key or trusted root with a
// fingerprint ever changes. The zero value remembers until the process ends. A Checked is safe for
// concurrent use. See docs/RATIONALE.md#why-are-checks-remembered-by-digest-and-key.
type Checked struct {
	mu     sync.Mutex
	known  map[string]map[mark]Found // by the digest, as callers write it
	file   *os.File                  // nil: memory only
	flight singleflight.Group
}

// mark identifies a result for a digest.
type mark struct {
	predicate string // the predicate type of an attestation; "": a signature
	authority string // the fingerprint of a key or identity
}

// OpenChecked returns a Checked to continue an earlier Checked with the same file. Damaged lines
// are ignored, and their signatures are checked again.
func OpenChecked(path string) (*Checked, error) {
	c := &Checked{}
	lines, err := c.read(path)
	if err != nil {
		return nil, fmt.Errorf("open the file of checked signatures: %w", err)
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if lines > maxLines {
		flags |= os.O_TRUNC
		clear(c.known)
	}
	c.file, err = os.OpenFile(path, flags, 0o600)
	if errors.Is(err, syscall.EROFS) {
		c.file = nil
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the file of checked signatures: %w", err)
	}
	return c, nil
}

func (c *Checked) read(path string) (lines int, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	for in.Scan() {
		lines++
		if what, found, ok := parseLine(in.Text()); ok {
			c.keep(what, found)
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return maxLines + 1, nil
	}
	return lines, in.Err()
}

// parseLine reads a line of the file. A signature by a key has the line "DIGEST FINGERPRINT ok",
// and everything else "DIGEST FINGERPRINT FOUND ok" with the JSON of the Found in base64. The last
// field shows the end of a complete line.
func parseLine(line string) (what string, found Found, ok bool) {
	fields := strings.Split(line, " ")
	n := len(fields)
	if n < 3 || n > 4 || fields[n-1] != "ok" || len(fields[1]) != 64 {
		return "", Found{}, false
	}
	found = Found{Kind: KindSignature}
	if n == 4 {
		text, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || json.Unmarshal(text, &found) != nil || found.Problem != "" {
			return "", Found{}, false
		}
	}
	found.authority = fields[1]
	return fields[0], found, true
}

// lineOf is the reverse of parseLine. The result is "" for a line beyond the limit.
func lineOf(what string, found Found) string {
	if found.Kind == KindSignature && found.Subject == "" {
		return what + " " + found.authority + " ok\n"
	}
	text, err := json.Marshal(found)
	if err != nil || len(text) > maxLine {
		return ""
	}
	return what + " " + found.authority + " " + base64.StdEncoding.EncodeToString(text) + " ok\n"
}

// Close closes the file.
func (c *Checked) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// Do returns the signatures and attestations of a digest, as the policy requires. Do calls check
// only if earlier checks have not found them all. Concurrent calls for the same digest and policy
// share one check.
func (c *Checked) Do(what string, p *Policy, check func() ([]Found, error)) ([]Found, error) {
	if found, ok := c.recall(what, p); ok {
		return found, nil
	}
	flight := what + " " + strings.Join(p.authorities(), " ")
	for _, one := range p.Attestations {
		flight += " " + one.Type
	}
	found, err, _ := c.flight.Do(flight, func() (any, error) {
		if found, ok := c.recall(what, p); ok {
			return found, nil
		}
		found, err := check()
		if err == nil {
			c.add(what, found)
		}
		return found, err
	})
	if err != nil {
		return nil, err
	}
	return found.([]Found), nil
}

// Of returns all results ever found for a digest, without repetitions: the signatures first, then
// the attestations by type.
func (c *Checked) Of(what string) []Found {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Found
	for _, found := range c.known[what] {
		// Another trusted root proves the same signature once more.
		found.authority = ""
		if !slices.Contains(all, found) {
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Key, b.Key), a.Time.Compare(b.Time))
	})
	return all
}

// recall returns the signatures and attestations, as the policy requires, or false if earlier
// checks have not found them all.
func (c *Checked) recall(what string, p *Policy) ([]Found, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Found
	authorities := p.authorities()
	recall := func(predicate string) bool {
		for _, authority := range authorities {
			if found, ok := c.known[what][mark{predicate, authority}]; ok {
				all = append(all, found)
				return true
			}
		}
		return false
	}
	if !recall("") {
		return nil, false
	}
	for _, one := range p.Attestations {
		if !recall(one.Type) {
			return nil, false
		}
	}
	// The file of a key may have another name by now.
	for i, found := range all {
		for _, key := range p.Keys {
			if key.Fingerprint == found.authority {
				all[i].Key = key.File
				c.known[what][mark{found.PredicateType, found.authority}] = all[i]
			}
		}
	}
	return all, true
}

func (c *Checked) add(what string, all []Found) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, found := range all {
		c.keep(what, found)
		if c.file != nil {
			// The loss of an entry, by a crash or a full disk, only causes another check.
			_, _ = c.file.WriteString(lineOf(what, found))
		}
	}
}

func (c *Checked) keep(what string, found Found) {
	if c.known == nil {
		c.known = map[string]map[mark]Found{}
	}
	if c.known[what] == nil {
		c.known[what] = map[mark]Found{}
	}
	c.known[what][mark{found.PredicateType, found.authority}] = found
}

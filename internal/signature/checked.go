package signature

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/sync/singleflight"
)

// maxLines is how many lines the file of a [Checked] may have before it is written anew.
const maxLines = 20_000

// Checked remembers what has been found to be signed with which key, so that it
// is checked once: what a digest names does not change, nor does a key. Its zero
// value remembers until the process ends. It is safe for concurrent use.
type Checked struct {
	mu     sync.Mutex
	known  map[verdict]struct{}
	file   *os.File // nil: memory only
	flight singleflight.Group
}

type verdict struct{ what, key string }

// OpenChecked is a Checked that goes on where an earlier one with the same file
// ended. Lines that are damaged mean nothing: what they said is checked again.
func OpenChecked(path string) (*Checked, error) {
	c := &Checked{known: map[verdict]struct{}{}}
	lines, err := c.read(path)
	if err != nil {
		return nil, fmt.Errorf("open the file of checked signatures: %w", err)
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if lines > maxLines {
		flags |= os.O_TRUNC
		clear(c.known)
	}
	if c.file, err = os.OpenFile(path, flags, 0o600); err != nil {
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
		fields := strings.Split(in.Text(), " ")
		// The last field tells a line that was written whole.
		if len(fields) == 3 && fields[2] == "ok" && len(fields[1]) == 64 {
			c.known[verdict{fields[0], fields[1]}] = struct{}{}
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return maxLines + 1, nil
	}
	return lines, in.Err()
}

// Close closes the file.
func (c *Checked) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// Do checks what a digest names with check, unless that was found to be signed with one of the
// keys before. Who asks for the same at the same time waits for the same check.
func (c *Checked) Do(what string, keys Keys, check func() (*Key, error)) error {
	if c.has(what, keys) {
		return nil
	}
	_, err, _ := c.flight.Do(what+" "+strings.Join(keys.Fingerprints(), " "), func() (any, error) {
		if c.has(what, keys) {
			return nil, nil
		}
		key, err := check()
		if err != nil {
			return nil, err
		}
		c.add(verdict{what, key.Fingerprint})
		return nil, nil
	})
	return err
}

func (c *Checked) has(what string, keys Keys) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		if _, ok := c.known[verdict{what, key.Fingerprint}]; ok {
			return true
		}
	}
	return false
}

func (c *Checked) add(v verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[verdict]struct{}{}
	}
	c.known[v] = struct{}{}
	if c.file != nil {
		// What gets lost, by a crash or a full disk, is checked again.
		_, _ = fmt.Fprintf(c.file, "%s %s ok\n", v.what, v.key)
	}
}

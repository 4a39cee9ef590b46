package signature

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/singleflight"
)

// maxLines is the number of lines after which the file of a [Checked] starts again.
const maxLines = 20_000

// Checked remembers which digest was signed with which key, so that each signature is checked only
// once. The result stays valid because neither the content of a digest nor a key ever changes. The
// zero value remembers until the process ends. A Checked is safe for concurrent use.
// See docs/RATIONALE.md#why-are-checks-remembered-by-digest-and-key.
type Checked struct {
	mu     sync.Mutex
	known  map[verdict]struct{}
	file   *os.File // nil: memory only
	flight singleflight.Group
}

type verdict struct{ what, key string }

// OpenChecked returns a Checked that continues an earlier Checked with the same file. Damaged lines
// are ignored, and their signatures are checked again.
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
		fields := strings.Split(in.Text(), " ")
		// The last field shows that the line is complete.
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

// Do calls check for a digest, unless an earlier check found a signature by one of the keys.
// Concurrent calls for the same digest and keys share one check.
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
		// The loss of an entry, by a crash or a full disk, only causes another check.
		_, _ = fmt.Fprintf(c.file, "%s %s ok\n", v.what, v.key)
	}
}

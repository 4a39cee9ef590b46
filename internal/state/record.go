package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// record implements [Dir.Write]. Two slot files are overwritten in place, in turn, so a slot file
// is complete whenever the process stops. A third file has the last synced content.
//
// A new file and a rename would wait for the file system's journal, and the journal waits for the
// disk whenever any process calls fsync.
// See docs/RATIONALE.md#why-is-the-record-of-unproven-pushes-written-in-place.
type record struct {
	mu     sync.Mutex
	slots  [2]*os.File // nil: not opened yet
	seq    uint64      // sequence number of the last write
	last   []byte      // the last written content, framed
	synced uint64      // sequence number of the last content that survives a power failure
}

// The name of a record's file is the record's name and any of these suffixes.
const (
	slotInfix  = ".slot-"
	syncedName = ".synced"
)

func slotName(name string, i int) string { return name + slotInfix + strconv.Itoa(i) }

// write overwrites the older slot in the directory dir.
func (r *record) write(dir, name string, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.open(dir, name); err != nil {
		return err
	}
	framed := numbered(r.seq+1, data)
	if _, err := r.slots[(r.seq+1)%2].WriteAt(framed, 0); err != nil {
		return err // the other slot is still complete, and the next write uses this slot again
	}
	r.seq++
	r.last = framed
	return nil
}

// numbered frames a content with the number.
func numbered(seq uint64, data []byte) []byte {
	return frame(append(fmt.Appendf(nil, "%d\n", seq), data...))
}

func (r *record) open(dir, name string) error {
	if r.slots[0] != nil {
		return nil
	}
	_, seq, err := loadRecord(dir, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrCorrupt) {
		return err
	}
	var files [2]*os.File
	for i := range files {
		// Never truncate: a read ignores the rest of an older, longer content.
		files[i], err = os.OpenFile(filepath.Join(dir, slotName(name, i)), os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return errors.Join(err, closeAll(files[:i]))
		}
	}
	r.slots, r.seq, r.synced = files, seq, seq
	return nil
}

// sync saves a copy of the last content, safe from a power failure. Concurrent writes do not wait
// for the sync.
func (r *record) sync(save func(framed []byte) error) error {
	r.mu.Lock()
	last, seq := r.last, r.seq
	done := seq == r.synced
	r.mu.Unlock()
	if done {
		return nil
	}
	if err := save(last); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.synced = max(r.synced, seq)
	return nil
}

func (r *record) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := closeAll(r.slots[:])
	r.slots = [2]*os.File{}
	return err
}

func closeAll(files []*os.File) error {
	var problems []error
	for _, f := range files {
		if f != nil {
			problems = append(problems, f.Close())
		}
	}
	return errors.Join(problems...)
}

// loadRecord returns the newest complete content in the directory dir. loadRecord fails with
// [fs.ErrNotExist] if no content was ever written, and with [ErrCorrupt] if no file is complete.
func loadRecord(dir, name string) (data []byte, seq uint64, err error) {
	err = fmt.Errorf("load %s: %w", name, fs.ErrNotExist)
	found := false
	for _, file := range []string{slotName(name, 0), slotName(name, 1), name + syncedName} {
		content, readErr := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(readErr, fs.ErrNotExist) || readErr == nil && len(content) == 0 {
			continue // before its first write a slot is empty
		}
		if readErr != nil {
			return nil, 0, readErr
		}
		one, n, recordErr := parseRecord(content)
		switch {
		case recordErr == nil && (!found || n > seq):
			data, seq, found = one, n, true
		case recordErr != nil:
			err = fmt.Errorf("load %s: %w", file, recordErr)
		}
	}
	if found {
		return data, seq, nil
	}
	return nil, 0, err
}

// parseRecord parses a record's file and ignores any bytes after the content.
func parseRecord(content []byte) (data []byte, seq uint64, err error) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	var sum string
	var size int
	if _, err := fmt.Sscanf(string(first), family+"1 sha256:%64s size:%d", &sum, &size); err != nil || size < 0 || size > len(rest) {
		return nil, 0, fmt.Errorf("%w: its first line is not whole", ErrCorrupt)
	}
	payload, err := unframe(content[:len(first)+1+size])
	if err != nil {
		return nil, 0, err
	}
	number, data, found := bytes.Cut(payload, []byte("\n"))
	seq, err = strconv.ParseUint(string(number), 10, 64)
	if err != nil || !found {
		return nil, 0, fmt.Errorf("%w: it has no number", ErrCorrupt)
	}
	return data, seq, nil
}

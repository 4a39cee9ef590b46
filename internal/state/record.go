package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
)

// record is what [Dir.Write] keeps: two files that are overwritten in place, in turn, so that
// one of them is whole whenever the process stops, and a third, the last one that was
// synced. To make a new file and to rename it would wait for the file system's journal,
// which waits for the disk whenever anybody syncs anything.
type record struct {
	mu     sync.Mutex
	slots  [2]*os.File // nil: not opened yet
	seq    uint64      // of the last one written
	last   []byte      // what was written, framed
	synced uint64      // the last that survives a power failure
}

// The files of a record are its name and one of these.
const (
	slotInfix  = ".slot-"
	syncedName = ".synced"
)

func slotName(name string, i int) string { return name + slotInfix + strconv.Itoa(i) }

func (d *Dir) record(name string) *record {
	r, _ := d.records.LoadOrStore(name, new(record))
	one, _ := r.(*record)
	return one
}

// write overwrites the older of the two.
func (r *record) write(d *Dir, name string, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.open(d, name); err != nil {
		return err
	}
	framed := frame(append(fmt.Appendf(nil, "%d\n", r.seq+1), data...))
	if _, err := r.slots[(r.seq+1)%2].WriteAt(framed, 0); err != nil {
		return err // the other one is whole still, and the next write tries this one again
	}
	r.seq++
	r.last = framed
	return nil
}

func (r *record) open(d *Dir, name string) error {
	if r.slots[0] != nil {
		return nil
	}
	_, seq, err := d.loadRecord(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrCorrupt) {
		return err
	}
	var files [2]*os.File
	for i := range files {
		// Never cut: what a shorter content leaves of a longer one is not looked at.
		files[i], err = os.OpenFile(d.Path(slotName(name, i)), os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return errors.Join(err, closeAll(files[:i]))
		}
	}
	r.slots, r.seq, r.synced = files, seq, seq
	return nil
}

// sync makes a copy of the last content that survives a power failure. Nothing that is
// written meanwhile waits for it.
func (r *record) sync(d *Dir, name string) error {
	r.mu.Lock()
	last, seq := r.last, r.seq
	done := seq == r.synced
	r.mu.Unlock()
	if done {
		return nil
	}
	if err := d.save(name+syncedName, last); err != nil {
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

// loadRecord gives the newest content that is whole. It fails with [fs.ErrNotExist] when
// nothing was ever written, and with [ErrCorrupt] when nothing is whole.
func (d *Dir) loadRecord(name string) (data []byte, seq uint64, err error) {
	err = fmt.Errorf("load %s: %w", name, fs.ErrNotExist)
	found := false
	for _, file := range []string{slotName(name, 0), slotName(name, 1), name + syncedName} {
		content, readErr := os.ReadFile(d.Path(file))
		if errors.Is(readErr, fs.ErrNotExist) || readErr == nil && len(content) == 0 {
			continue // a slot is empty before its first write
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

// parseRecord reads a record's file, whatever follows its content.
func parseRecord(content []byte) (data []byte, seq uint64, err error) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	var sum string
	var size int
	if _, err := fmt.Sscanf(string(first), "wasm-xds-state/1 sha256:%64s size:%d", &sum, &size); err != nil || size < 0 || size > len(rest) {
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

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/seal"
)

// CheckKeys returns a [seal.LockedError] if a file of a state directory needs another key.
// CheckKeys changes nothing, and the directory may be in use.
func CheckKeys(dir string, keys *seal.Keys) error { return (&Dir{path: dir, keys: keys}).checkKeys() }

// checkKeys returns a [seal.LockedError] if a file of the directory needs another key.
func (d *Dir) checkKeys() error {
	return d.eachFile(func(name string, content []byte) error {
		data, err := payload(name, content)
		if err != nil {
			return nil //nolint:nilerr // Load puts damaged files aside
		}
		if _, err := d.keys.Open(data); err != nil && !errors.Is(err, seal.ErrDamaged) {
			return fmt.Errorf("%s: %w", d.Path(name), err)
		}
		return nil
	})
}

// reseal writes each file anew, unless the file is written as the keys say, and returns the number
// of new files. Afterwards no file has a plain content, or needs a key other than the first.
func (d *Dir) reseal() (n int, err error) {
	var records []string
	err = d.eachFile(func(name string, content []byte) error {
		if record, ok := recordOf(name); ok {
			if data, err := payload(name, content); err == nil && !d.keys.IsCurrent(data) && !slices.Contains(records, record) {
				records = append(records, record)
			}
			return nil
		}
		data, err := unframe(content)
		switch {
		case err == nil && d.keys.IsCurrent(data):
			return nil
		case err == nil:
			if data, err = d.keys.Open(data); err != nil {
				return nil //nolint:nilerr // Load puts damaged files aside
			}
		case strings.Contains(name, corruptInfix):
			data = content // the rest may have secrets
		default:
			return nil // Load puts it aside
		}
		n++
		sealed := d.keys.Seal(data)
		return d.save(name, header(sealed), sealed)
	})
	for _, record := range records {
		n++
		err = errors.Join(err, d.resealRecord(record))
	}
	return n, err
}

// resealRecord writes the newest content of a record anew. resealRecord then removes the slots,
// since bytes of longer former contents follow their contents.
func (d *Dir) resealRecord(name string) error {
	data, seq, err := loadRecord(d.path, name)
	if err == nil {
		data, err = d.keys.Open(data)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", d.Path(name), err)
	}
	if err := d.save(name+syncedName, numbered(seq, d.keys.Seal(data))); err != nil {
		return err
	}
	for i := range 2 {
		if err := os.Remove(d.Path(slotName(name, i))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// eachFile calls do with each file of this package. Other files in the directory have other owners.
func (d *Dir) eachFile(do func(name string, content []byte) error) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !fileName.MatchString(e.Name()) || e.Name() == lockName {
			continue
		}
		content, err := os.ReadFile(d.Path(e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a server has put another file in its place
		}
		if err != nil {
			return err
		}
		if !strings.HasPrefix(string(content[:min(len(content), len(family))]), family) && !strings.Contains(e.Name(), corruptInfix) {
			continue
		}
		if err := do(e.Name(), content); err != nil {
			return err
		}
	}
	return nil
}

// payload returns the data in a file of Save or of Write.
func payload(name string, content []byte) ([]byte, error) {
	if _, ok := recordOf(name); ok {
		data, _, err := parseRecord(content)
		return data, err
	}
	return unframe(content)
}

// recordOf returns the name of the record of a file.
func recordOf(file string) (name string, ok bool) {
	for _, suffix := range []string{slotName("", 0), slotName("", 1), syncedName} {
		if name, ok := strings.CutSuffix(file, suffix); ok {
			return name, true
		}
	}
	return "", false
}

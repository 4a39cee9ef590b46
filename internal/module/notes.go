package module

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// image is the store's note for a digest in a registry: it names the module in the image. The note
// lies beside the module, so the store asks the registry only once.
// See docs/RATIONALE.md#why-is-a-note-kept-beside-a-module-from-a-registry.
type image struct {
	SHA256 string `json:"sha256"`
	RootID string `json:"rootId,omitempty"`
}

func (i image) module(stored snapshot.Module, written, digest string) snapshot.Module {
	stored.Reference, stored.Digest, stored.RootID = written, digest, i.RootID
	return stored
}

const (
	imageSuffix = ".image"
	maxNote     = 64 << 10
)

// imageName returns the file name of a digest's note, or "" for an invalid digest.
func imageName(digest string) string {
	algorithm, sum, _ := strings.Cut(digest, ":")
	if algorithm == "" || sum == "" || strings.Trim(algorithm+sum, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return algorithm + "-" + sum + imageSuffix
}

// notes are the notes in the directory of a store.
type notes struct{ dir string }

// write stores the note for a digest. The file begins with the sha256 of its content, so damage
// makes a note invalid and never wrong.
func (n notes) write(digest string, i image) error {
	name := imageName(digest)
	if name == "" {
		return errors.New("not a digest: " + digest)
	}
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	f, err := atomicfile.Create(n.dir)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.WriteString(noteSum(text) + "\n" + string(text) + "\n"); err != nil {
		return err
	}
	return f.CommitUnsynced(name, fileMode)
}

// read returns the note for a digest, if there is a valid note.
func (n notes) read(digest string) (image, bool) {
	name := imageName(digest)
	if name == "" {
		return image{}, false
	}
	path := filepath.Join(n.dir, name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxNote {
		return image{}, false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return image{}, false
	}
	sum, text, _ := strings.Cut(strings.TrimSuffix(string(content), "\n"), "\n")
	var i image
	if sum != noteSum([]byte(text)) || json.Unmarshal([]byte(text), &i) != nil || !snapshot.IsSHA256(i.SHA256) {
		return image{}, false
	}
	return i, true
}

func noteSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// collect removes the notes for modules that are no longer in the store, as has reports.
func (n notes) collect(entries []fs.DirEntry, olderThan time.Duration, has func(sha256 string) bool) error {
	var problems []error
	for _, entry := range entries {
		name, isNote := strings.CutSuffix(entry.Name(), imageSuffix)
		info, err := entry.Info()
		if !isNote || err != nil || time.Since(info.ModTime()) < olderThan {
			continue
		}
		if i, ok := n.read(strings.Replace(name, "-", ":", 1)); ok && has(i.SHA256) {
			continue
		}
		if err := os.Remove(filepath.Join(n.dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

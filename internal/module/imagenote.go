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

// image is what is known of a digest in a registry: which module it leads to. The
// store keeps it beside the module, so that no registry is asked twice.
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

// imageName is the file of a digest's note; "" for what is no digest.
func imageName(digest string) string {
	algorithm, sum, _ := strings.Cut(digest, ":")
	if algorithm == "" || sum == "" || strings.Trim(algorithm+sum, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return ""
	}
	return algorithm + "-" + sum + imageSuffix
}

// noteImage keeps what a digest leads to. It begins with its own sha256: a rotten
// byte makes a note worthless, never wrong.
func (s *Store) noteImage(digest string, i image) error {
	name := imageName(digest)
	if name == "" {
		return errors.New("not a digest: " + digest)
	}
	text, err := json.Marshal(i)
	if err != nil {
		return err
	}
	f, err := atomicfile.Create(s.dir)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.WriteString(noteSum(text) + "\n" + string(text) + "\n"); err != nil {
		return err
	}
	return f.CommitUnsynced(name, fileMode)
}

// image is what a digest leads to, if that is known.
func (s *Store) image(digest string) (image, bool) {
	name := imageName(digest)
	if name == "" {
		return image{}, false
	}
	path := filepath.Join(s.dir, name)
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

// collectImages removes the notes that lead to modules which are not there any more.
func (s *Store) collectImages(entries []fs.DirEntry, olderThan time.Duration) error {
	var problems []error
	for _, entry := range entries {
		name, isNote := strings.CutSuffix(entry.Name(), imageSuffix)
		info, err := entry.Info()
		if !isNote || err != nil || time.Since(info.ModTime()) < olderThan {
			continue
		}
		if i, ok := s.image(strings.Replace(name, "-", ":", 1)); ok && s.Has(i.SHA256) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

package gitcheckout

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the hash of git's objects
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// mostObject is the size of the largest object that is read, in bytes.
const mostObject = 8 << 20

// id is the id of an object: the bytes of a SHA-1 or SHA-256.
type id string

func (i id) String() string { return hex.EncodeToString([]byte(i)) }

// parseID reads an id in hex.
func parseID(text string) (id, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha1.Size && len(raw) != sha256.Size {
		return "", false
	}
	return id(raw), true
}

// kind is the kind of an object, as packs number it.
type kind byte

const (
	commitKind   kind = 1
	treeKind     kind = 2
	blobKind     kind = 3
	tagKind      kind = 4
	offsetDelta  kind = 6
	referenceDlt kind = 7
)

var kinds = map[string]kind{"commit": commitKind, "tree": treeKind, "blob": blobKind, "tag": tagKind}

// object is an object without its header.
type object struct {
	kind kind
	data []byte
}

var errDamaged = errors.New("the repository is damaged")

// treeOf returns the tree of a commit.
func treeOf(commit object) (id, error) {
	first, _, _ := bytes.Cut(commit.data, []byte("\n"))
	text, is := bytes.CutPrefix(first, []byte("tree "))
	tree, ok := parseID(string(text))
	if commit.kind != commitKind || !is || !ok {
		return "", fmt.Errorf("%w: a commit has no tree", errDamaged)
	}
	return tree, nil
}

// entryOf returns the entry of a tree with this name; false: there is none.
func entryOf(tree object, name string, size int) (id, bool) {
	if tree.kind != treeKind {
		return "", false
	}
	for rest := tree.data; ; {
		header, after, found := bytes.Cut(rest, []byte{0})
		if !found || len(after) < size {
			return "", false
		}
		if _, is, ok := bytes.Cut(header, []byte(" ")); ok && string(is) == name {
			return id(after[:size]), true
		}
		rest = after[size:]
	}
}

// blobID returns the id of a file's content.
func blobID(content []byte, size int) id {
	sum := sha1.New() //nolint:gosec // the hash of git's objects
	if size == sha256.Size {
		sum = sha256.New()
	}
	fmt.Fprintf(sum, "blob %d\x00", len(content))
	_, _ = sum.Write(content) // a hash never fails
	return id(sum.Sum(nil))
}

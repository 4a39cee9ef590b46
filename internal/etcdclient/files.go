package etcdclient

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/seal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// mostPassword bounds the file of a password, in bytes.
const mostPassword = 4 << 10

// readPassword returns the first line of the file. public says whether other users than the owner
// may use the file. No error has a part of the file.
func readPassword(path string) (password string, public bool, err error) {
	file, info, err := regular.Open(path)
	if err != nil {
		return "", false, fileProblem(path, "the password of etcd's user", err)
	}
	defer file.Close()
	text, err := regular.ReadAll(file, mostPassword)
	if err != nil {
		return "", false, fileProblem(path, "the password of etcd's user", err)
	}
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 || len(bytes.TrimSpace(rest)) > 0 {
		return "", false, fileProblem(path, "the password of etcd's user", errors.New("the file has not one line"))
	}
	return string(line), info.Mode().Perm()&^fs.FileMode(0o700) != 0, nil
}

// readKeys reads the keys that seal contents; nil: there is no file.
func readKeys(path string) (keys *seal.Keys, public bool, err error) {
	if path == "" {
		return nil, false, nil
	}
	return seal.ReadFile(path)
}

// fileProblem explains why a file cannot be used.
func fileProblem(path, what string, err error) error {
	hint := "give a readable file"
	if errors.Is(err, fs.ErrPermission) {
		hint = "let the server's user read the file"
	}
	return &spec.Error{
		Code: CodeConfig, Message: what + " cannot be read: " + reason.Of(err), Hint: hint, Pos: spec.Position{File: path},
	}
}

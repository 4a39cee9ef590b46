package chaos

import (
	"math/rand/v2"
	"os"
	"path/filepath"
)

// replace puts a file into its place in one step.
func replace(path string, content []byte) error {
	partial := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial")
	if err := os.WriteFile(partial, content, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

// spoil flips a byte of a file, or truncates, empties or removes the file.
func spoil(path string, random *rand.Rand) error {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil // removed before
	}
	if err != nil {
		return err
	}
	how := random.IntN(4)
	switch {
	case how == 0 && len(text) > 0:
		text[random.IntN(len(text))] ^= 1 << random.IntN(8)
	case how == 1 && len(text) > 0:
		text = text[:random.IntN(len(text))]
	case how == 2:
		text = nil
	default:
		return os.Remove(path)
	}
	// Modules are read-only, and an Envoy may have opened the file, so another file replaces it.
	partial := path + ".spoiled"
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, path)
}

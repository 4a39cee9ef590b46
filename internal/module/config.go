package module

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxConfigSize is in bytes.
const maxConfigSize = 1 << 20

// ReadConfig reads the plugin configuration that a spec refers to: at most 1 MiB of
// UTF-8 text in a regular file. Its content is in no error.
func ReadConfig(ref spec.FileRef) (*string, *spec.Error) {
	fail := func(code, message, hint string) (*string, *spec.Error) {
		return nil, &spec.Error{Code: code, Message: message, Hint: hint, Pos: ref.Pos}
	}
	info, err := os.Stat(ref.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("config_missing", fmt.Sprintf("the configuration file %s does not exist", ref.Path), "write it, or correct configFrom.file")
	case err != nil:
		return fail("config_unreadable", err.Error(), "let your user read the file")
	case !info.Mode().IsRegular():
		return fail("config_unreadable", ref.Path+" is no regular file", "configFrom.file must name a regular file")
	case info.Size() > maxConfigSize:
		return fail("config_too_large", fmt.Sprintf("%s is larger than %d bytes", ref.Path, maxConfigSize), "a plugin configuration must be smaller")
	}
	file, err := os.Open(ref.Path)
	if err != nil {
		return fail("config_unreadable", err.Error(), "let your user read the file")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigSize))
	switch {
	case err != nil:
		return fail("config_unreadable", err.Error(), "let your user read the file")
	case !utf8.Valid(text):
		return fail("config_not_text", ref.Path+" is not UTF-8 text", "Envoy carries a plugin configuration as a string")
	}
	config := string(text)
	return &config, nil
}

package module

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Encode converts the content of the file in the spec's configFrom into the module's configuration.
func Encode(s *spec.Spec, content string) (*string, *spec.Error) {
	config, err := s.ConfigType.Encode(content)
	if err != nil {
		return nil, spec.ConfigError(err, s.ConfigFrom.As, "configType", s.ConfigFrom.Pos)
	}
	return &config, nil
}

// ReadConfig reads the plugin configuration that a spec refers to, from a regular file of at most
// [spec.MaxConfigFile] bytes. No error quotes the content; see [Encode].
func ReadConfig(ref spec.FileRef) (*string, *spec.Error) {
	fail := func(code, message, hint string) (*string, *spec.Error) {
		return nil, &spec.Error{Code: code, Message: message, Hint: hint, Pos: ref.Pos}
	}
	tooLarge := func() (*string, *spec.Error) {
		return fail("config_too_large", fmt.Sprintf("%s has more than the %d MiB that a configuration may have", ref.Path, spec.MaxConfigFile>>20),
			"let the filter fetch what is larger itself (proxy_http_call), or build it into the module")
	}
	info, err := os.Stat(ref.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail("config_missing", fmt.Sprintf("the configuration file %s does not exist", ref.Path), "write it, or correct configFrom.file")
	case err != nil:
		return fail("config_unreadable", err.Error(), "let your user read the file")
	case !info.Mode().IsRegular():
		return fail("config_unreadable", ref.Path+" is no regular file", "configFrom.file must name a regular file")
	case info.Size() > spec.MaxConfigFile:
		return tooLarge()
	}
	file, err := os.Open(ref.Path)
	if err != nil {
		return fail("config_unreadable", err.Error(), "let your user read the file")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, spec.MaxConfigFile+1))
	switch {
	case err != nil:
		return fail("config_unreadable", err.Error(), "let your user read the file")
	case len(text) > spec.MaxConfigFile:
		return tooLarge() // the file has grown since the check
	}
	config := string(text)
	return &config, nil
}

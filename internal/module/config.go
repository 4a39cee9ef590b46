package module

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
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
	text, err := (*regular.Bounds)(ref.Bounds).Read(ref.Path, spec.MaxConfigFile)
	if err == nil {
		config := string(text)
		return &config, nil
	}
	if problem := outside(&ref, err); problem != nil {
		return nil, problem
	}
	problem := &spec.Error{
		Code: "config_unreadable", Message: fmt.Sprintf("the configuration file %s cannot be read: %s", ref.Path, reason.Of(err)),
		Hint: "let your user read the file", Pos: ref.Pos,
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem.Code, problem.Message = "config_missing", fmt.Sprintf("the configuration file %s does not exist", ref.Path)
		problem.Hint = "write it, or correct configFrom.file"
	case errors.Is(err, regular.ErrNotRegular):
		problem.Message, problem.Hint = ref.Path+" is no regular file", "configFrom.file must name a regular file"
	case errors.Is(err, regular.ErrTooLarge):
		problem.Code = "config_too_large"
		problem.Message = fmt.Sprintf("%s has more than the %d MiB that a configuration may have", ref.Path, spec.MaxConfigFile>>20)
		problem.Hint = "let the filter fetch what is larger itself (proxy_http_call), or build it into the module"
	}
	return nil, problem
}

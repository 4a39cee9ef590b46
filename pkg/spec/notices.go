package spec

import (
	"fmt"
)

// Notices returns the notes of a valid spec, and hints about the content of its plugin
// configuration. config is that configuration as the module gets it; nil means none. No notice
// refuses a spec.
func (s *Spec) Notices(config *string) []*Error {
	var all []*Error
	for _, note := range s.Notes {
		all = append(all, &note)
	}
	if config == nil || s.ConfigType == ConfigStruct || s.ConfigFrom == nil && s.ConfigPos == (Position{}) {
		return all
	}
	pos, what := s.ConfigPos, "config"
	if s.ConfigFrom != nil {
		pos, what = s.ConfigFrom.Pos, s.ConfigFrom.As
	}
	if name := typedText(*config); name != "" {
		all = append(all, &Error{
			Code: CodeTypedConfig, Name: s.Name, Pos: pos,
			Message: fmt.Sprintf("the text of %s is a block with @type %s, and reaches the filter as it is", what, brief(name)),
			Hint:    "if it comes from a configuration of Envoy or Istio, write what stands under value in its place",
		})
	}
	return all
}

package examine

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// secrets are parts of a filter's configuration that a module may log and a test may show. Short
// values do not count as secrets, so that a cause stays readable.
type secrets []string

const (
	leastSecret = 8 // characters of a value
	leastWhole  = 3 // of a whole configuration
)

func secretsOf(s *spec.Spec, config *string) secrets {
	var all secrets
	all = append(all, partsOf(config, s.ConfigType)...)
	all = append(all, partsOf(s.VM.Config, s.VM.ConfigType)...)
	for _, value := range s.VM.Env {
		all.add(value, leastSecret)
	}
	// The longest first: a secret may be part of another.
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.Compact(all)
}

// partsOf returns the whole configuration and its values: the strings of JSON or of a Struct, or
// else the text behind = or : on each line.
func partsOf(config *string, as spec.ConfigType) secrets {
	if config == nil {
		return nil
	}
	var all secrets
	text := *config
	all.add(text, leastWhole)
	var object structpb.Struct
	if as == spec.ConfigStruct && proto.Unmarshal([]byte(text), &object) == nil {
		all.addValues(object.AsMap())
		return all
	}
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		all.addValues(value)
		return all
	}
	for line := range strings.Lines(text) {
		if i := strings.IndexAny(line, "=:"); i >= 0 {
			all.add(strings.Trim(line[i+1:], " \t\r\n\"'"), leastSecret)
		}
		all.add(strings.TrimSpace(line), leastSecret)
	}
	return all
}

func (all *secrets) add(text string, least int) {
	if len(text) >= least {
		*all = append(*all, text)
	}
}

func (all *secrets) addValues(value any) {
	switch value := value.(type) {
	case string:
		all.add(value, leastSecret)
	case []any:
		for _, v := range value {
			all.addValues(v)
		}
	case map[string]any:
		for _, v := range value {
			all.addValues(v)
		}
	}
}

// hide removes the secrets from a text.
func (all secrets) hide(text string) string {
	for _, secret := range all {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return text
}

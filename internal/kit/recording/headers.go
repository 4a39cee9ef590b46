package recording

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml"
)

// ofConnection matches the headers that Envoy or a connection makes, and that differ each time.
var ofConnection = regexp.MustCompile(`^(:|x-envoy-|x-forwarded-|x-b3-)|^(x-request-id|traceparent|tracestate|date|server|via|age|connection|keep-alive|transfer-encoding|content-length|host|te|trailer|upgrade|expect)$`)

// plain are the headers that a test has.
func (h Headers) plain() Headers {
	return slices.DeleteFunc(slices.Clone(h), func(h Header) bool { return ofConnection.MatchString(h.Name) })
}

// values are the values by name, sorted: one value, or a list.
func (h Headers) values() yaml.MapSlice {
	all := map[string][]string{}
	var names []string
	for _, one := range h {
		if all[one.Name] == nil {
			names = append(names, one.Name)
		}
		all[one.Name] = append(all[one.Name], one.Value)
	}
	slices.Sort(names)
	var out yaml.MapSlice
	for _, name := range names {
		if values := all[name]; len(values) > 1 {
			out = append(out, yaml.MapItem{Key: name, Value: values})
		} else {
			out = append(out, yaml.MapItem{Key: name, Value: values[0]})
		}
	}
	return out
}

// changed are the headers of after that differ from before. A header that is gone is nil.
func changed(before, after Headers) yaml.MapSlice {
	was := map[any]any{}
	for _, item := range before.values() {
		was[item.Key] = item.Value
	}
	var out yaml.MapSlice
	for _, item := range after.values() {
		if fmt.Sprint(was[item.Key]) != fmt.Sprint(item.Value) {
			out = append(out, item)
		}
		delete(was, item.Key)
	}
	for _, item := range before.values() {
		if _, gone := was[item.Key]; gone {
			out = append(out, yaml.MapItem{Key: item.Key})
		}
	}
	return out
}

package admin

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// object is a JSON object of the document.
type object = map[string]any

// schemas are those of the API's structs, by name.
type schemas map[string]any

// of is the schema of a type. The schema of a named struct refers to the components.
func (s schemas) of(t reflect.Type) any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return object{"oneOf": []any{s.of(t.Elem()), object{"type": "null"}}}
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case t.Kind() == reflect.Struct && schemaName(t) == "":
		return s.object(t)
	case t.Kind() == reflect.Struct:
		if _, known := s[schemaName(t)]; !known {
			s[schemaName(t)] = nil // for a type that contains itself
			s[schemaName(t)] = s.object(t)
		}
		return object{"$ref": "#/components/schemas/" + schemaName(t)}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return object{"type": "integer"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	case t.Kind() == reflect.Interface:
		return object{} // any value
	default:
		panic(fmt.Sprintf("the API has a %s, which has no schema", t)) // a test makes the document
	}
}

func schemaName(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

// object is the schema of a struct, as encoding/json writes it.
func (s schemas) object(t reflect.Type) object {
	properties, required := object{}, []string{}
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				add(f.Type)
				continue
			case !f.IsExported() || name == "-" || name == "":
				continue
			}
			properties[name] = s.of(f.Type)
			if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
				required = append(required, name)
			}
		}
	}
	add(t)
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

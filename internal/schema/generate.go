package schema

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"strings"
)

//go:embed document.go common.go rollout.go tests.go
var sources embed.FS

// URL is the address under which the schema is published.
const URL = "https://wasm-xds.github.io/wasm-xds/spec.schema.json"

// patterns are the patterns of the named kinds of text.
func patterns() map[string]string {
	return map[string]string{
		"Duration":   `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`,
		"Percentage": `^[0-9]{1,5}(\.[0-9]{1,6})?%$`,
		"Size":       `^[0-9]{1,15}(Ki|Mi|Gi)?$`,
	}
}

// object is a JSON object with keys in order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", m.key)
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// generator turns the declared types into definitions.
type generator struct {
	types map[string]*ast.TypeSpec
	docs  map[string]string
	names []string // in the order of the sources
}

// JSON returns the schema of draft 2020-12, indented.
func JSON() ([]byte, error) {
	g := &generator{types: map[string]*ast.TypeSpec{}, docs: map[string]string{}}
	for _, name := range []string{"document.go", "common.go", "rollout.go", "tests.go"} {
		if err := g.read(name); err != nil {
			return nil, err
		}
	}
	root, err := g.definition("Spec")
	if err != nil {
		return nil, err
	}
	var definitions object
	for _, name := range g.names {
		if name == "Spec" || name == "OneOf" || name == "null" || name == "rule" {
			continue
		}
		one, err := g.definition(name)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, member{name, one})
	}
	schema := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"$id", URL}, {"title", "A filter of wasm-xds"},
	}
	schema = append(append(schema, root...), member{"$defs", definitions})
	text, err := marshal(schema)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, text, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

func (g *generator) read(name string) error {
	text, err := sources.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
	if err != nil {
		return err
	}
	for _, declared := range file.Decls {
		group, ok := declared.(*ast.GenDecl)
		if !ok || group.Tok != token.TYPE {
			continue
		}
		for _, one := range group.Specs {
			t := one.(*ast.TypeSpec) //nolint:forcetypeassert // a declaration of types has nothing else
			g.types[t.Name.Name], g.docs[t.Name.Name] = t, group.Doc.Text()
			g.names = append(g.names, t.Name.Name)
		}
	}
	return nil
}

// sentence is a Go comment on one line, with the name of a field as in the document.
func sentence(doc, from, to string) string {
	text := strings.Join(strings.Fields(doc), " ")
	if rest, ok := strings.CutPrefix(text, from+" "); ok && to != "" {
		return to + " " + rest
	}
	return text
}

// definition returns the schema of a declared type.
func (g *generator) definition(name string) (object, error) {
	declared := g.types[name]
	schema := object{{"description", sentence(g.docs[name], name, "")}}
	structure, ok := declared.Type.(*ast.StructType)
	if !ok {
		return append(schema, member{"type", "string"}, member{"pattern", patterns()[name]}), nil
	}
	if alternatives, err := g.alternatives(structure); err != nil || alternatives != nil {
		return append(schema, member{"anyOf", alternatives}), err
	}
	properties, required, err := g.properties(structure)
	if err != nil {
		return nil, err
	}
	schema = append(schema, member{"type", "object"}, member{"properties", properties}, member{"additionalProperties", false})
	if len(required) > 0 {
		schema = append(schema, member{"required", required})
	}
	return append(schema, rules(structure)...), nil
}

// rules returns the constraints of the fields _.
func rules(structure *ast.StructType) (all object) {
	var each []object
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 || field.Names[0].Name != "_" {
			continue
		}
		tag := tagOf(field)
		var choices []object
		for name := range strings.SplitSeq(tag.Get("exactlyOne"), "|") {
			choices = append(choices, object{{"required", []string{name}}})
		}
		each = append(each, object{{"oneOf", choices}})
		if from, to, ok := strings.Cut(tag.Get("needs"), "="); ok {
			all = append(all, member{"dependentRequired", object{{from, []string{to}}}})
		}
	}
	if len(each) > 0 {
		all = append(all, member{"allOf", each})
	}
	return all
}

// alternatives returns the schemas of a type with an embedded OneOf, and nil for any other type.
func (g *generator) alternatives(structure *ast.StructType) ([]object, error) {
	var all []object
	for i, field := range structure.Fields.List {
		if len(field.Names) == 0 {
			if i > 0 || !isOneOf(field.Type) {
				return nil, nil
			}
			continue
		}
		if i == 0 {
			return nil, nil
		}
		one, err := g.value(field.Type, tagOf(field))
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func isOneOf(t ast.Expr) bool {
	name, ok := t.(*ast.Ident)
	return ok && name.Name == "OneOf"
}

// properties returns the fields of a mapping, with those of embedded types.
func (g *generator) properties(structure *ast.StructType) (all object, required []string, err error) {
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 {
			embedded := g.types[field.Type.(*ast.Ident).Name].Type.(*ast.StructType) //nolint:forcetypeassert // the tests show it
			more, names, err := g.properties(embedded)
			if err != nil {
				return nil, nil, err
			}
			all, required = append(all, more...), append(required, names...)
			continue
		}
		if field.Names[0].Name == "_" {
			continue
		}
		tag := tagOf(field)
		name := tag.Get("json")
		one := object{{"description", sentence(field.Doc.Text(), field.Names[0].Name, name)}}
		value, err := g.value(field.Type, tag)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, member{name, append(one, value...)})
		if tag.Get("required") == "true" {
			required = append(required, name)
		}
	}
	return all, required, nil
}

func tagOf(field *ast.Field) reflect.StructTag {
	if field.Tag == nil {
		return ""
	}
	text, _ := strconv.Unquote(field.Tag.Value) // the file has been parsed
	return reflect.StructTag(text)
}

// value returns the schema of a value.
func (g *generator) value(t ast.Expr, tag reflect.StructTag) (object, error) {
	var schema object
	switch t := t.(type) {
	case *ast.ArrayType:
		items, err := g.value(t.Elt, onlyEnum(tag))
		if err != nil {
			return nil, err
		}
		return constrained(object{{"type", "array"}, {"items", items}}, tag, "minItems", "maxItems", "examples", "default")
	case *ast.MapType:
		values, err := g.value(t.Value, "")
		if err != nil {
			return nil, err
		}
		return constrained(object{{"type", "object"}, {"additionalProperties", values}}, tag, "examples", "default")
	case *ast.Ident:
		switch t.Name {
		case "string", "bool", "int", "float64":
			schema = object{{"type", map[string]string{"string": "string", "bool": "boolean", "int": "integer", "float64": "number"}[t.Name]}}
		case "any":
		case "null":
			schema = object{{"type", "null"}}
		default:
			if g.types[t.Name] == nil {
				return nil, fmt.Errorf("the type %s is not declared", t.Name)
			}
			schema = object{{"$ref", "#/$defs/" + t.Name}}
		}
	default:
		return nil, fmt.Errorf("a value of the kind %T", t)
	}
	if words := tag.Get("enum"); words != "" {
		schema = append(schema, member{"enum", strings.Split(words, "|")})
	}
	return constrained(schema, tag, "pattern", "minLength", "maxLength", "minimum", "maximum", "default", "examples")
}

func onlyEnum(tag reflect.StructTag) reflect.StructTag {
	if words := tag.Get("enum"); words != "" {
		return reflect.StructTag(fmt.Sprintf("enum:%q", words))
	}
	return ""
}

// constrained adds the constraints of a tag. All but patterns are JSON.
func constrained(schema object, tag reflect.StructTag, keys ...string) (object, error) {
	for _, key := range keys {
		text, ok := tag.Lookup(key)
		switch {
		case !ok:
		case key == "pattern":
			schema = append(schema, member{key, text})
		case !json.Valid([]byte(text)):
			return nil, fmt.Errorf("%s is no JSON: %s", key, text)
		default:
			schema = append(schema, member{key, json.RawMessage(text)})
		}
	}
	return schema, nil
}

package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields maps the keys of a section to their decoders.
type fields map[string]func(key, value *node)

// decoder reads the values of a document's tree.
type decoder struct {
	*problems
	file  string           // of the document, as the source named it
	seen  map[string]*node // the key node of each field in the document, by the field's path
	meant map[string]bool  // the fields that the writer of an unknown field probably meant
	// isOther says the document is no spec: hints about the sections of a spec do not apply.
	isOther bool
	// nullIsAbsent says null stands for an absent field, as Kubernetes and Envoy have it.
	nullIsAbsent bool
	// healthFiles are the files that the sections health name.
	healthFiles []*FileRef
}

// section passes each entry of the mapping n to the decoder of its field. path is the section's
// path, and "" for the document.
func (d *decoder) section(path string, n *node, known fields) {
	if !d.is(path, n, kindMap) {
		return
	}
	for _, e := range n.entries {
		name := e.key.text
		read, ok := known[name]
		at := join(path, name)
		switch first := d.seen[at]; {
		case e.key.kind == kindInvalid:
		case !ok:
			d.unknownField(path, e.key, known)
		case first != nil:
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: fmt.Sprintf("%s is set twice; first on line %d", at, first.pos.Line),
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		default:
			d.seen[at] = e.key
			if e.value.kind == kindNull && d.nullIsAbsent && !mayBeNull(at) {
				delete(d.seen, at)
				continue
			}
			if e.value.kind == kindNull && !mayBeNull(at) {
				d.noValue(at, e.value)
				continue
			}
			read(e.key, e.value)
		}
	}
}

func (d *decoder) unknownField(path string, key *node, known fields) {
	names := slices.Sorted(maps.Keys(known))
	where := ""
	if path != "" {
		where = " in " + path
	}
	hint := "known here: " + strings.Join(names, ", ")
	if nearest := Nearest(key.text, names); nearest != "" {
		hint = fmt.Sprintf("did you mean %q?", nearest)
		d.meant[join(path, nearest)] = true
	} else if section := sectionOf(key.text); section != path && section != "" && !d.isOther {
		hint = fmt.Sprintf("%q belongs under %s", key.text, section)
	}
	d.fail(&Error{
		Code: CodeUnknownField, Message: fmt.Sprintf("unknown field %q%s", brief(key.text), where),
		Hint: hint, Pos: key.pos,
	})
}

func (d *decoder) noValue(path string, n *node) {
	d.fail(&Error{
		Code: CodeWrongType, Message: path + " has no value",
		Hint: "give it one, or remove the key", Pos: n.pos,
	})
}

// has reports whether the document has the field, or a misspelling of it, which has its own error.
func (d *decoder) has(path string) bool {
	return d.seen[path] != nil || d.meant[path]
}

// is checks a node's kind, and reports the error if it is another.
func (d *decoder) is(path string, n *node, want kind) bool {
	if n.kind == want {
		return true
	}
	if n.kind == kindInvalid {
		return false
	}
	if n.kind == kindNull && n.text == "" {
		d.noValue(path, n)
		return false
	}
	hint := ""
	switch {
	case want == kindMap:
		hint = exampleOf(path)
	case want == kindString && (n.kind == kindNumber || n.kind == kindBool || n.kind == kindNull):
		hint = "put it in quotes"
	case want == kindBool:
		hint = "write true or false"
	case want == kindList && n.kind == kindString:
		hint = "put it in brackets: [value]"
	}
	if path == "" {
		path = "a spec"
	}
	d.fail(&Error{
		Code: CodeWrongType, Message: fmt.Sprintf("%s must be %s, not %s", path, want, n.kind),
		Hint: hint, Pos: n.pos,
	})
	return false
}

// str reads a string without NUL. No value of a spec may contain NUL.
func (d *decoder) str(path string, n *node) (string, bool) {
	if !d.is(path, n, kindString) {
		return "", false
	}
	if strings.ContainsRune(n.text, 0) {
		d.failf(CodeBadValue, n, "%s contains a NUL character", path)
		return "", false
	}
	return n.text, true
}

// filled reads a string that is not empty.
func (d *decoder) filled(path string, n *node) (string, bool) {
	text, ok := d.str(path, n)
	if ok && text == "" {
		d.failf(CodeBadValue, n, "%s is empty", path)
		return "", false
	}
	return text, ok
}

func (d *decoder) boolean(path string, n *node) bool {
	return d.is(path, n, kindBool) && strings.EqualFold(n.text, "true")
}

// list reads a list of at least one string, without empty strings.
func (d *decoder) list(path string, n *node) []string {
	if !d.is(path, n, kindList) {
		return nil
	}
	if len(n.items) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: path + " is an empty list",
			Hint: "name at least one, or remove the key", Pos: n.pos,
		})
	}
	var all []string
	for i, item := range n.items {
		if text, ok := d.filled(fmt.Sprintf("%s[%d]", path, i), item); ok {
			all = append(all, text)
		}
	}
	return all
}

// set reads a list without order and repetitions.
func (d *decoder) set(path string, n *node) []string {
	all := d.list(path, n)
	slices.Sort(all)
	return slices.Compact(all)
}

// choice reads one of the allowed strings.
func choice[T ~string](d *decoder, path string, n *node, allowed ...T) T {
	text, ok := d.str(path, n)
	if !ok || slices.Contains(allowed, T(text)) {
		return T(text)
	}
	names := make([]string, len(allowed))
	for i, one := range allowed {
		names[i] = string(one)
	}
	d.badChoice(path, n, names)
	return ""
}

func (d *decoder) badChoice(path string, n *node, allowed []string) {
	hint := "allowed: " + strings.Join(allowed, ", ")
	if nearest := Nearest(n.text, allowed); nearest != "" && len(allowed) > 1 {
		hint = fmt.Sprintf("did you mean %q? %s", nearest, hint)
	}
	d.fail(&Error{
		Code: CodeBadValue, Message: fmt.Sprintf("%s cannot be %q", path, brief(n.text)),
		Hint: hint, Pos: n.pos,
	})
}

// duration reads a duration in Go's syntax.
func (d *decoder) duration(path string, n *node, least, most time.Duration) time.Duration {
	if n.kind == kindInvalid {
		return 0
	}
	value, err := time.ParseDuration(n.text)
	switch {
	case n.kind == kindNumber && err != nil:
		d.fail(&Error{
			Code: CodeWrongType, Message: path + " must be a duration, not a number",
			Hint: "add a unit, as in 1s or 500ms", Pos: n.pos,
		})
	case n.kind != kindString && n.kind != kindNumber:
		d.is(path, n, kindString)
	case err != nil:
		d.fail(&Error{
			Code: CodeBadValue, Message: fmt.Sprintf("%s cannot be %q: it must be a duration", path, brief(n.text)),
			Hint: "write it as 1s, 500ms or 1m30s", Pos: n.pos,
		})
	case value < least || value > most:
		d.fail(&Error{
			Code: CodeBadValue, Message: fmt.Sprintf("%s is %s, and must be from %s to %s", path, value, least, most),
			Pos: n.pos,
		})
	default:
		return value
	}
	return 0
}

// whole reads an integer from least to most.
func (d *decoder) whole(path string, n *node, text string, least, most int) int {
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		d.failf(CodeBadValue, n, "%s must be a whole number from %d to %d, not %s", path, least, most, brief(text))
		return 0
	}
	return value
}

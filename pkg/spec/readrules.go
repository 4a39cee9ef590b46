package spec

import "fmt"

// AccessRules map client certificates to Envoys and their filters. The rules have a file of their
// own, beside the specs.
type AccessRules struct {
	// Others is for certificates without a rule. "" means [OthersSAN].
	Others Others
	Rules  []AccessRule
}

// Others is the access of certificates without a rule.
type Others string

// The values of [AccessRules.Others].
const (
	OthersSAN  Others = "san"  // any filter, under a node id that is one of the SANs
	OthersNone Others = "none" // nothing
)

// AccessRule is one rule. A nil list was not given.
type AccessRule struct {
	SAN                      Text
	Nodes, Clusters, Filters []Text
}

// Text is a string with its place in a file.
type Text struct {
	Value string
	Pos   Position
}

// DecodeAccessRules decodes a file of rules, without a check of the patterns. file is the path for
// errors. A file with errors has no rules.
func DecodeAccessRules(file string, text []byte) (*AccessRules, []*Error) {
	src, bodies, err := split(file, text)
	if err != nil {
		return nil, []*Error{err}
	}
	if len(bodies) != 1 {
		return nil, []*Error{{
			Code: CodeBadValue, Message: fmt.Sprintf("the file has %d documents, and must have one", len(bodies)),
			Hint: "write all rules into one list: rules: [{san: spiffe://example.org/edge-1}]", Pos: src.at(1, 1),
		}}
	}
	found := &problems{}
	root := (&builder{source: src, problems: found, anchors: map[string]*node{}}).tree(bodies[0])
	d := &decoder{problems: found, file: file, seen: map[string]*node{}, meant: map[string]bool{}, isOther: true}
	r := readAccessRules(d, root)
	if errs := d.sortedErrors(""); len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

func readAccessRules(d *decoder, root *node) *AccessRules {
	r := &AccessRules{}
	if root.kind != kindMap && root.kind != kindInvalid {
		d.fail(&Error{
			Code: CodeWrongType, Message: fmt.Sprintf("a file of rules must be a mapping, not %s", root.kind),
			Hint: "as in rules: [{san: spiffe://example.org/edge-1}]", Pos: root.pos,
		})
		return r
	}
	d.section("", root, fields{
		"others": func(_, v *node) { r.Others = choice(d, "others", v, OthersSAN, OthersNone) },
		"rules": func(_, v *node) {
			if !d.is("rules", v, kindList) {
				return
			}
			for i, item := range v.items {
				r.Rules = append(r.Rules, readAccessRule(d, fmt.Sprintf("rules[%d]", i), item))
			}
		},
	})
	if root.kind == kindMap && !d.has("rules") {
		d.fail(&Error{
			Code: CodeMissingField, Message: "rules is missing", Hint: "as in rules: [{san: spiffe://example.org/edge-1}]", Pos: root.pos,
		})
	}
	return r
}

func readAccessRule(d *decoder, path string, v *node) (r AccessRule) {
	d.section(path, v, fields{
		"san":      func(_, v *node) { r.SAN.Value, _ = d.filled(path+".san", v); r.SAN.Pos = v.pos },
		"nodes":    func(_, v *node) { r.Nodes = d.texts(path+".nodes", v) },
		"clusters": func(_, v *node) { r.Clusters = d.texts(path+".clusters", v) },
		"filters":  func(_, v *node) { r.Filters = d.texts(path+".filters", v) },
	})
	if v.kind == kindMap && !d.has(path+".san") {
		d.fail(&Error{
			Code: CodeMissingField, Message: path + ".san is missing",
			Hint: "name the certificates of the rule by a SAN, as in san: spiffe://example.org/edge/{name}", Pos: v.pos,
		})
	}
	return r
}

// texts reads a list of strings with their places. An empty list names nothing. A string in the
// place of the list is an error.
func (d *decoder) texts(path string, v *node) []Text {
	if !d.is(path, v, kindList) {
		return nil
	}
	all := make([]Text, 0, len(v.items))
	for i, item := range v.items {
		if text, ok := d.filled(fmt.Sprintf("%s[%d]", path, i), item); ok {
			all = append(all, Text{text, item.pos})
		}
	}
	return all
}

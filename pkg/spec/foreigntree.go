package spec

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// native is a filter of a foreign document as the tree of a native document. Its nodes have the
// positions of the foreign document.
type native struct {
	*decoder    // reads the foreign document
	root        *node
	names       map[string]string // the foreign path of each native path, for messages
	defaultName string

	notWasm     bool   // the document describes another filter than a Wasm filter
	plugin      string // the name of the plugin in a configuration of Envoy
	takesInline bool   // whether the configuration may hold the module itself
	inline      []byte // such a module
}

// text is a scalar with the position of a foreign node.
func text(s string, at *node) *node {
	return &node{kind: kindString, text: s, pos: at.pos}
}

// put sets a field of the native document. key is the foreign field, and from its path.
func (n *native) put(path string, key, value *node, from string) {
	n.names[path] = from
	parts := strings.Split(path, ".")
	at := n.root
	for _, part := range parts[:len(parts)-1] {
		next := at.at(part)
		if next == nil {
			next = &node{kind: kindMap, pos: key.pos}
			at.entries = append(at.entries, entry{key: text(part, key), value: next})
		}
		at = next
	}
	last := parts[len(parts)-1]
	if value := at.at(last); value != nil {
		return // an earlier field of the foreign document has set it
	}
	at.entries = append(at.entries, entry{key: text(last, key), value: value})
}

// name returns the name of the filter, if it is valid.
func (n *native) name() string {
	name := n.defaultName
	if v := n.root.at("name"); v != nil {
		name = v.text
	}
	if nameProblem(name) != "" {
		return ""
	}
	return name
}

// setName names the filter. name may be nil.
func (n *native) setName(name *node, from string) {
	if name != nil {
		n.put("name", name, name, from)
	}
}

// renamed replaces the native path at the beginning of a message by the foreign path.
func (n *native) renamed(message string) string {
	paths := slices.SortedFunc(maps.Keys(n.names), func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	for _, path := range paths {
		rest, ok := strings.CutPrefix(message, path)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], " .:[")) {
			return n.names[path] + rest
		}
	}
	return message
}

// moduleFrom reads the address of a module: oci://, http://, https://, file://, or a reference
// without a scheme.
func (n *native) moduleFrom(path string, key, v *node) {
	address, ok := n.filled(path, v)
	if !ok {
		return
	}
	n.names["module"] = path
	scheme, rest, found := strings.Cut(address, "://")
	switch {
	case !found || scheme == "oci":
		n.put("module.oci", key, text(strings.TrimPrefix(address, "oci://"), v), path)
	case scheme == "http" || scheme == "https":
		n.put("module.url", key, v, path)
	case scheme == "file" && rest != "":
		n.put("module.file", key, text(rest, v), path)
	default:
		n.fail(&Error{
			Code: CodeBadValue, Message: path + " has the scheme " + brief(scheme) + "://",
			Hint: "allowed: oci://, http://, https://, file:///path", Pos: v.pos,
		})
	}
}

// digest applies a checksum. For an image, Istio and Envoy Gateway compare the checksum with the
// digest of the image; for any other module, with that of the bytes.
func (n *native) digest(path string, key, v *node) {
	n.names["module.sha256"] = path
	if v == nil || v.kind == kindString && v.text == "" {
		return
	}
	image := n.root.at("module").at("oci")
	if image == nil {
		n.put("module.sha256", key, text(strings.ToLower(v.text), v), path)
		return
	}
	sum := readSHA256(n.decoder, path, v)
	ref, err := ParseReference(image.text)
	if sum == "" || err != nil {
		return // an error says so, or the native decoder will
	}
	switch {
	case ref.Digest == "":
		image.text = ref.WithDigest("sha256:" + sum).String()
	case ref.Digest != "sha256:"+sum:
		n.fail(&Error{
			Code: CodeConflict, Message: path + " is another digest than that in the reference of the image",
			Hint: "remove one of the two", Pos: v.pos,
		})
	}
}

// alwaysRefresh is the time between two looks at a tag with the pull policy Always.
const alwaysRefresh = "5m"

// pullPolicy applies the pull policies of Kubernetes, after module and checksum.
func (n *native) pullPolicy(path string, key, v *node) {
	image := n.root.at("module").at("oci")
	ref := Reference{}
	if image != nil {
		ref, _ = ParseReference(image.text) // the native decoder reports the error
	}
	chosen := ""
	if v != nil {
		chosen = choice(n.decoder, path, v, "IfNotPresent", "Always", "UNSPECIFIED_POLICY")
	}
	what := path + " is Always"
	if (v == nil || chosen == "UNSPECIFIED_POLICY") && ref.Tag == defaultTag && !ref.Pinned() {
		chosen, key, v = "Always", image, image
		what = n.names["module"] + " has the tag latest, for which Always is the default of " + path
	}
	if chosen != "Always" {
		return
	}
	if image == nil || ref.Pinned() {
		n.ignored(path, key, "a tag can change its module, and here a digest or a file decides", "")
		return
	}
	n.put("module.refresh", key, text(alwaysRefresh, v), path)
	n.note(&Error{
		Code: CodeForeignIgnored, Pos: key.pos,
		Message: what + ": wasm-xds looks at the tag every " + alwaysRefresh + ", and not only when the document changes",
		Hint:    "write IfNotPresent to look once",
	})
}

// pullSecret applies the name of a secret: a file of this name beside the document.
func (n *native) pullSecret(path string, key, v *node) {
	if _, ok := n.filled(path, v); ok {
		n.put("module.pullSecret", key, v, path)
	}
}

// config applies a configuration that the module gets as JSON.
func (n *native) config(path string, key, v *node) {
	if typeField(v) == nil {
		n.put("config", key, v, path)
		return
	}
	// A native document gives @type a meaning, and here it is an ordinary key.
	if config := written(n.decoder, path, v, ConfigString); config != nil {
		n.put("config", key, text(*config, v), path)
	}
}

// one maps the allowed words of a foreign field to the words of a native field.
func (n *native) one(path, from string, key, v *node, words ...[2]string) {
	var allowed []string
	for _, word := range words {
		allowed = append(allowed, word[0])
	}
	chosen := choice(n.decoder, from, v, allowed...)
	for _, word := range words {
		if word[0] == chosen && chosen != "" {
			n.put(path, key, text(word[1], v), from)
		}
	}
}

// ignored notes a field without a meaning for wasm-xds.
func (d *decoder) ignored(path string, key *node, why, hint string) {
	d.note(&Error{Code: CodeForeignIgnored, Message: path + " has no effect: " + why, Hint: hint, Pos: key.pos})
}

// unsupported refuses a field that would change the filter, and that wasm-xds cannot obey.
func (d *decoder) unsupported(path string, key *node, why, hint string) {
	d.fail(&Error{Code: CodeForeignUnsupported, Message: path + " cannot be obeyed: " + why, Hint: hint, Pos: key.pos})
}

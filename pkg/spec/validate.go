package spec

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
)

const (
	maxName = 253
	maxURL  = 8 << 10
)

// nameProblem returns the problem of a filter's name, or "".
func nameProblem(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxName:
		return fmt.Sprintf("has %d characters, more than %d", len(name), maxName)
	}
	for _, r := range name {
		if r > 'z' || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/", r) {
			return fmt.Sprintf("%q contains %q; it may have letters, digits and . _ - /", brief(name), r)
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Sprintf("%q has an empty, . or .. part between its slashes", brief(name))
		}
	}
	return ""
}

// complete fills in the defaults, and checks the rules that concern several fields.
func (d *decoder) complete(root *node) {
	if root.kind != kindMap {
		d.known = d.validDefaultName()
		return
	}
	s := d.spec
	d.completeName(root)
	if !d.has("module") {
		d.fail(&Error{
			Code: CodeMissingField, Message: "module is missing",
			Hint: "name the Wasm module, as in module: {file: ./filter.wasm}", Pos: root.pos,
		})
	}
	s.Type = orDefault(s.Type, HTTP)
	d.completePolicy()
	s.VM.Runtime = orDefault(s.VM.Runtime, runtimePrefix+"v8")
	if key := d.seen["configFrom"]; key != nil && s.Config != nil {
		d.fail(&Error{
			Code: CodeConflict, Message: "config and configFrom exclude each other",
			Hint: "remove one of the two", Pos: key.pos,
		})
	}
	if key := d.seen["configType"]; key != nil && !d.has("config") && !d.has("configFrom") {
		d.fail(&Error{
			Code: CodeConflict, Message: "configType has no meaning without a configuration",
			Hint: "remove it, or add config or configFrom", Pos: key.pos,
		})
	}
	if key := d.seen["allowOnHeadersStopIteration"]; key != nil && s.Type == Network {
		d.fail(&Error{
			Code: CodeConflict, Message: "allowOnHeadersStopIteration has no meaning for type network",
			Hint: "remove it: a network filter sees no headers", Pos: key.pos,
		})
	}
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

func (d *decoder) validDefaultName() string {
	if nameProblem(d.defaultName) != "" {
		return ""
	}
	return d.defaultName
}

// completeName uses the file's name if the document has no name.
func (d *decoder) completeName(root *node) {
	if d.has("name") {
		return
	}
	d.spec.Name = d.validDefaultName()
	d.known = d.spec.Name
	switch {
	case d.known != "":
	case d.defaultName == "":
		d.fail(&Error{
			Code: CodeMissingField, Message: "name is missing",
			Hint: "only the one document of a file can take its name from the file", Pos: root.pos,
		})
	default:
		d.fail(&Error{
			Code:    CodeMissingField,
			Message: "name is missing, and the file's name cannot stand in: name " + nameProblem(d.defaultName),
			Hint:    "add a name, or rename the file", Pos: root.pos,
		})
	}
}

func (d *decoder) completePolicy() {
	s := d.spec
	if s.Policy == "" && d.has("failurePolicy") {
		return // the other fields depend on the reference
	}
	s.Policy = orDefault(s.Policy, Closed)
	if s.Policy == Open {
		s.OnRemove = orDefault(s.OnRemove, Passthrough)
	}
	s.OnRemove = orDefault(s.OnRemove, Keep)
	key := d.seen["reloadBackoff"]
	switch {
	case s.Policy == Reload:
		s.ReloadBackoff = orDefault(s.ReloadBackoff, defaultBackoff)
	case s.ReloadBackoff == defaultBackoff:
		s.ReloadBackoff = 0 // the default written out, as templates do: no setting is lost
	case key != nil:
		d.fail(&Error{
			Code: CodeConflict, Message: "reloadBackoff has no meaning with failurePolicy " + string(s.Policy),
			Hint: "remove it, or set failurePolicy to reload", Pos: key.pos,
		})
	}
}

// checkModule checks that the module has exactly one reference, and a digest if it comes from a
// URL.
func (d *decoder) checkModule(module *node) {
	var found []string
	for _, name := range []string{"file", "url", "oci"} {
		if d.has("module." + name) {
			found = append(found, name)
		}
	}
	switch {
	case len(found) == 0:
		d.fail(&Error{
			Code: CodeMissingField, Message: "module names no Wasm module",
			Hint: "give it file, url or oci", Pos: module.pos,
		})
	case len(found) > 1:
		pos := module.pos
		if second := d.seen["module."+found[1]]; second != nil {
			pos = second.pos
		}
		d.fail(&Error{
			Code: CodeConflict, Message: "module can have only one of " + strings.Join(found, " and "),
			Hint: "remove all but one", Pos: pos,
		})
	case found[0] == "url" && !d.has("module.sha256"):
		d.fail(&Error{
			Code: CodeMissingField, Message: "module.sha256 is missing, and a url needs it",
			Hint: "add the output of sha256sum for the module", Pos: module.pos,
		})
	default:
		d.checkRegistry(found[0])
	}
}

// checkRegistry checks the fields that only modules from a registry may have.
func (d *decoder) checkRegistry(kind string) {
	for _, name := range []string{"refresh", "pullSecret"} {
		if key := d.seen["module."+name]; key != nil && kind != "oci" {
			d.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("module.%s has no meaning with module.%s", name, kind),
				Hint: "remove it: it is for module.oci", Pos: key.pos,
			})
		}
	}
	if key := d.seen["module.refresh"]; key != nil && d.spec.Module.OCI.Pinned() {
		d.fail(&Error{
			Code: CodeConflict, Message: "module.refresh has no meaning with a digest, which always leads to the same bytes",
			Hint: "remove it, or name a tag without a digest", Pos: key.pos,
		})
	}
}

// reference reads a reference to a registry.
func (d *decoder) reference(path string, v *node) Reference {
	text, ok := d.filled(path, v)
	if !ok {
		return Reference{}
	}
	ref, err := ParseReference(text)
	if err != nil {
		d.failf(CodeBadValue, v, "%s %v", path, err)
	}
	return ref
}

// has reports whether the document has the field, or a misspelling of it, which has its own error.
func (d *decoder) has(path string) bool {
	return d.seen[path] != nil || d.meant[path]
}

// moduleURL reads an http or https URL. Its errors do not quote the URL, because it may hold
// credentials.
func (d *decoder) moduleURL(v *node) string {
	text, ok := d.filled("module.url", v)
	if !ok {
		return ""
	}
	var problem, hint string
	parsed, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		problem = fmt.Sprintf("is longer than %d characters", maxURL)
	case err != nil:
		problem = "is not a URL"
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		problem, hint = "must begin with http:// or https://", "for a file, use module.file"
	case parsed.Hostname() == "":
		problem = "has no host"
	default:
		return text
	}
	d.fail(&Error{Code: CodeBadValue, Message: "module.url " + problem, Hint: hint, Pos: v.pos})
	return ""
}

// sha256 reads a digest. YAML takes a digest of only digits for a number; sha256 accepts it. Envoy
// refuses uppercase, so the digest becomes lowercase here.
func (d *decoder) sha256(v *node) string {
	if v.kind != kindNumber && !d.is("module.sha256", v, kindString) {
		return ""
	}
	text := strings.ToLower(v.text)
	if sum, err := hex.DecodeString(text); err == nil && len(sum) == 32 {
		return text
	}
	hint := "take it from sha256sum"
	if strings.HasPrefix(text, "sha256:") {
		hint = "leave out sha256:"
	}
	d.fail(&Error{
		Code: CodeBadValue, Message: fmt.Sprintf("module.sha256 must be 64 hexadecimal digits; this has %d characters", len(text)),
		Hint: hint, Pos: v.pos,
	})
	return ""
}

// checkEnvName checks the name of an environment variable.
func (d *decoder) checkEnvName(path string, name *node) {
	switch {
	case name.kind != kindString:
	case name.text == "":
		d.failf(CodeBadValue, name, "%s has an empty name", path)
	case strings.Contains(name.text, "="):
		d.failf(CodeBadValue, name, "%s has the name %q, and a name cannot contain =", path, brief(name.text))
	}
}

// checkEnv checks that no variable is in both env and hostEnv.
func (d *decoder) checkEnv(hostEnv []*node) {
	for _, name := range hostEnv {
		if _, given := d.spec.VM.Env[name.text]; given && name.kind == kindString && name.text != "" {
			d.fail(&Error{
				Code: CodeConflict, Message: brief(name.text) + " is both in vm.env and in vm.hostEnv, which Envoy refuses",
				Hint: "remove one of the two", Pos: name.pos,
			})
		}
	}
}

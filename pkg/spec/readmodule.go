package spec

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

const (
	minRefresh = time.Second
	maxRefresh = 7 * 24 * time.Hour
)

// readModule reads the section module into m.
func readModule(d *decoder, v *node, m *Module) {
	m.Pos = v.pos
	d.section("module", v, fields{
		"file":   func(_, v *node) { m.Pos, m.File = v.pos, readFileRef(d, "module.file", v) },
		"url":    func(_, v *node) { m.Pos, m.URL = v.pos, readModuleURL(d, v) },
		"oci":    func(_, v *node) { m.Pos, m.OCI = v.pos, readReference(d, "module.oci", v) },
		"sha256": func(_, v *node) { m.SHA256 = readSHA256(d, "module.sha256", v) },
		"refresh": func(_, v *node) {
			m.Refresh = d.duration("module.refresh", v, minRefresh, maxRefresh)
		},
		"pullSecret": func(_, v *node) { m.PullSecret = readFileRef(d, "module.pullSecret", v) },
		"verify":     func(_, v *node) { m.Verify = readVerify(d, v) },
	})
	if v.kind == kindMap {
		checkModule(d, v, *m)
	}
}

// checkModule checks that the module has exactly one reference, and a digest if it comes from a
// URL.
func checkModule(d *decoder, module *node, m Module) {
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
		checkRegistry(d, found[0], m)
	}
}

// checkRegistry checks the fields that only modules from a registry may have.
func checkRegistry(d *decoder, kind string, m Module) {
	for _, name := range []string{"refresh", "pullSecret"} {
		if key := d.seen["module."+name]; key != nil && kind != "oci" {
			d.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("module.%s has no meaning with module.%s", name, kind),
				Hint: "remove it: it is for module.oci", Pos: key.pos,
			})
		}
	}
	if key := d.seen["module.refresh"]; key != nil && m.OCI.Pinned() {
		d.fail(&Error{
			Code: CodeConflict, Message: "module.refresh has no meaning with a digest, which always leads to the same bytes",
			Hint: "remove it, or name a tag without a digest", Pos: key.pos,
		})
	}
}

// readReference reads a reference to a registry.
func readReference(d *decoder, path string, v *node) Reference {
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

// readModuleURL reads an http or https URL. Its errors do not quote the URL, because it may hold
// credentials.
func readModuleURL(d *decoder, v *node) string {
	text, ok := d.filled("module.url", v)
	if !ok {
		return ""
	}
	_, problem := parseHTTP(text)
	if problem == "" {
		return text
	}
	hint := ""
	if problem == notHTTP {
		hint = "for a file, use module.file"
	}
	d.fail(&Error{Code: CodeBadValue, Message: "module.url " + problem, Hint: hint, Pos: v.pos})
	return ""
}

// readSHA256 reads a digest. YAML takes a digest of only digits for a number; readSHA256 accepts
// it. Envoy refuses uppercase, so the digest becomes lowercase here.
func readSHA256(d *decoder, path string, v *node) string {
	if v.kind != kindNumber && !d.is(path, v, kindString) {
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
		Code: CodeBadValue, Message: fmt.Sprintf("%s must be 64 hexadecimal digits; this has %d characters", path, len(text)),
		Hint: hint, Pos: v.pos,
	})
	return ""
}

package spec

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// The bounds of a spec's values.
const (
	minBackoff = time.Millisecond // Envoy's own
	maxBackoff = time.Hour
	// defaultBackoff is Envoy's own base interval of reload_config.
	defaultBackoff = time.Second
	maxSoak        = 7 * 24 * time.Hour
	minRefresh     = time.Second
	maxRefresh     = 7 * 24 * time.Hour
	maxCanary      = 1_000_000 // Envoys
	maxKeys        = 32
)

// document decodes the document with this body. The result is usable only if d has no errors
// afterwards.
func (d *decoder) document(body ast.Node) *Spec {
	s := d.spec
	root := d.tree(body)
	s.File, s.Line = d.file, root.pos.Line
	if d.kubernetes(root) {
		return s
	}
	s.Canary.Count = 1
	var tests *node  // decoded last, because their fields depend on the type, which may come later
	var config *node // decoded last, because it depends on configType
	d.section("", root, fields{
		"apiVersion":                  func(_, v *node) { choice(d, "apiVersion", v, APIVersion) },
		"name":                        func(_, v *node) { d.readName(v) },
		"type":                        func(_, v *node) { s.Type = choice(d, "type", v, HTTP, Network) },
		"module":                      func(_, v *node) { d.readModule(v) },
		"rootId":                      func(_, v *node) { s.RootID, _ = d.str("rootId", v) },
		"config":                      func(_, v *node) { config = v },
		"configType":                  func(_, v *node) { s.ConfigType = d.configType("configType", v) },
		"configFrom":                  func(_, v *node) { d.readConfigFrom(v) },
		"failurePolicy":               func(_, v *node) { s.Policy = choice(d, "failurePolicy", v, Closed, Open, Reload) },
		"delivery":                    func(_, v *node) { s.Delivery = choice(d, "delivery", v, Remote, Inline, File) },
		"vm":                          func(_, v *node) { d.readVM(v) },
		"reloadBackoff":               func(_, v *node) { s.ReloadBackoff = d.duration("reloadBackoff", v, minBackoff, maxBackoff) },
		"allowOnHeadersStopIteration": func(_, v *node) { d.readStopIteration(v) },
		"capabilities":                func(_, v *node) { d.readCapabilities(v) },
		"acceptLoss":                  func(_, v *node) { d.readAcceptLoss(v) },
		"nodes":                       func(_, v *node) { s.Nodes = d.selector("nodes", v) },
		"rollout":                     func(_, v *node) { d.readRollout(v) },
		"limits":                      func(_, v *node) { d.readLimits(v) },
		"smoke":                       func(_, v *node) { s.NoSmoke = d.readSmoke(v) },
		"onRemove":                    func(_, v *node) { s.OnRemove = choice(d, "onRemove", v, Keep, Passthrough, Deny) },
		"disabled":                    func(_, v *node) { s.Disabled = d.boolean("disabled", v) },
		"tests":                       func(_, v *node) { tests = v },
	})
	if typeKnown := s.Type != "" || d.seen["type"] == nil; tests != nil && typeKnown {
		s.Tests = d.readTests(tests)
	}
	if typeKnown := s.ConfigType != "" || d.seen["configType"] == nil; config != nil && typeKnown {
		s.ConfigPos = config.pos
		s.Config, s.ConfigType = d.configuration("config", config, s.ConfigType)
	}
	d.complete(root)
	s.Notes = d.sortedNotes()
	return s
}

// sectionOf returns the section with a field of this name, or "" if no section has it.
func sectionOf(name string) string {
	switch name {
	case "file", "url", "oci", "sha256", "refresh", "pullSecret", "verify":
		return "module"
	case "keys":
		return "module.verify"
	case "id", "runtime", "env", "hostEnv", "allowPrecompiled":
		return "vm"
	case "ids", "clusters", "metadata":
		return "nodes"
	case "canary", "soak":
		return "rollout"
	case "timePerRequest", "memory":
		return "limits"
	}
	return ""
}

func (d *decoder) readName(v *node) {
	text, ok := d.str("name", v)
	if !ok {
		return
	}
	if problem := nameProblem(text); problem != "" {
		d.fail(&Error{
			Code: CodeBadValue, Message: "name " + problem,
			Hint: "it is the name by which Envoys ask for the filter, as in auth or team-a/auth", Pos: v.pos,
		})
		return
	}
	d.spec.Name, d.known = text, text
}

func (d *decoder) readModule(v *node) {
	m := &d.spec.Module
	m.Pos = v.pos
	d.section("module", v, fields{
		"file":   func(_, v *node) { m.Pos, m.File = v.pos, d.fileRef("module.file", v) },
		"url":    func(_, v *node) { m.Pos, m.URL = v.pos, d.moduleURL(v) },
		"oci":    func(_, v *node) { m.Pos, m.OCI = v.pos, d.reference("module.oci", v) },
		"sha256": func(_, v *node) { m.SHA256 = d.sha256(v) },
		"refresh": func(_, v *node) {
			m.Refresh = d.duration("module.refresh", v, minRefresh, maxRefresh)
		},
		"pullSecret": func(_, v *node) { m.PullSecret = d.fileRef("module.pullSecret", v) },
		"verify":     func(_, v *node) { d.readVerify(v) },
	})
	if v.kind == kindMap {
		d.checkModule(v)
	}
}

func (d *decoder) readVerify(v *node) {
	d.section("module.verify", v, fields{
		"keys": func(_, v *node) { d.spec.Module.Keys = d.fileRefs("module.verify.keys", v) },
	})
	if v.kind == kindMap && !d.has("module.verify.keys") {
		d.fail(&Error{
			Code: CodeMissingField, Message: "module.verify.keys is missing",
			Hint: "name the public key: cosign.pub, as cosign generate-key-pair writes it", Pos: v.pos,
		})
	}
}

// fileRefs reads a list of paths; see fileRef.
func (d *decoder) fileRefs(path string, v *node) []*FileRef {
	if !d.is(path, v, kindList) {
		return nil
	}
	if len(v.items) == 0 || len(v.items) > maxKeys {
		d.failf(CodeBadValue, v, "%s has %d files, and must have 1 to %d", path, len(v.items), maxKeys)
		return nil
	}
	var all []*FileRef
	for i, item := range v.items {
		if ref := d.fileRef(fmt.Sprintf("%s[%d]", path, i), item); ref != nil {
			all = append(all, ref)
		}
	}
	return all
}

// fileRef reads a path, which is relative to the spec's own file.
func (d *decoder) fileRef(path string, v *node) *FileRef {
	text, ok := d.filled(path, v)
	if !ok {
		return nil
	}
	full := text
	if !filepath.IsAbs(text) {
		full = filepath.Join(filepath.Dir(d.file), text)
	}
	full, err := filepath.Abs(full)
	if err != nil {
		// Only if the working directory is gone.
		d.failf(CodeBadValue, v, "%s cannot be made absolute: %v", path, err)
		return nil
	}
	return &FileRef{Path: full, As: text, Pos: v.pos}
}

func (d *decoder) readConfigFrom(v *node) {
	d.section("configFrom", v, fields{
		"file": func(_, v *node) { d.spec.ConfigFrom = d.fileRef("configFrom.file", v) },
	})
	if v.kind == kindMap && d.seen["configFrom.file"] == nil {
		d.failf(CodeMissingField, v, "configFrom.file is missing")
	}
}

// configType reads the type of a configuration. For all content that a spec itself can hold, the
// zero value and string are the same.
func (d *decoder) configType(path string, v *node) ConfigType {
	return choice(d, path, v, ConfigString, ConfigStruct, ConfigBytes)
}

func (d *decoder) readStopIteration(v *node) {
	allow := d.boolean("allowOnHeadersStopIteration", v)
	d.spec.AllowOnHeadersStopIteration = &allow
}

// readSmoke reports whether smoke is off. A YAML 1.1 writer may have turned off into a boolean.
func (d *decoder) readSmoke(v *node) (off bool) {
	if v.kind == kindBool {
		return !d.boolean("smoke", v)
	}
	return choice(d, "smoke", v, "on", "off") == "off"
}

func (d *decoder) readCapabilities(v *node) {
	switch {
	case v.kind == kindString && v.text == "auto":
		d.spec.AutoCapabilities = true
	case v.kind == kindList && len(v.items) == 0:
		d.spec.Capabilities = []string{} // the module may call nothing; nil would mean no restriction
	default:
		d.spec.Capabilities = d.set("capabilities", v)
	}
}

func (d *decoder) readVM(v *node) {
	vm := &d.spec.VM
	var config *node // decoded last, because it depends on configType
	var hostEnv []*node
	d.section("vm", v, fields{
		"id":               func(_, v *node) { vm.ID, _ = d.filled("vm.id", v) },
		"runtime":          func(_, v *node) { vm.Runtime = d.runtime(v) },
		"config":           func(_, v *node) { config = v },
		"configType":       func(_, v *node) { vm.ConfigType = d.configType("vm.configType", v) },
		"env":              func(_, v *node) { vm.Env = d.env(v) },
		"hostEnv":          func(_, v *node) { vm.HostEnv, hostEnv = d.set("vm.hostEnv", v), v.items },
		"allowPrecompiled": func(_, v *node) { vm.AllowPrecompiled = d.boolean("vm.allowPrecompiled", v) },
	})
	if typeKnown := vm.ConfigType != "" || d.seen["vm.configType"] == nil; config != nil && typeKnown {
		vm.Config, vm.ConfigType = d.configuration("vm.config", config, vm.ConfigType)
	}
	if key := d.seen["vm.configType"]; key != nil && !d.has("vm.config") {
		d.fail(&Error{
			Code: CodeConflict, Message: "vm.configType has no meaning without vm.config",
			Hint: "remove it, or add the configuration", Pos: key.pos,
		})
	}
	for _, name := range hostEnv {
		if name.text != "" {
			d.checkEnvName("vm.hostEnv", name)
		}
	}
	d.checkEnv(hostEnv)
}

const runtimePrefix = "envoy.wasm.runtime."

// NullRuntime is the runtime of code that is compiled into Envoy. The module's bytes are then the
// name of a plugin, not Wasm. See [VM.Runtime].
const NullRuntime = runtimePrefix + "null"

var fullRuntime = regexp.MustCompile(`^envoy\.wasm\.runtime\.[a-z0-9_.]+$`)

// runtime reads a short or full name of a runtime, and returns the full name.
func (d *decoder) runtime(v *node) string {
	if v.kind == kindNull && strings.EqualFold(v.text, "null") {
		return NullRuntime // YAML reads the runtime's name null as no string
	}
	text, ok := d.str("vm.runtime", v)
	if !ok || fullRuntime.MatchString(text) {
		return text
	}
	known := []string{"v8", "wamr", "wasmtime", "null"}
	for _, name := range known {
		if text == name {
			return runtimePrefix + name
		}
	}
	d.badChoice("vm.runtime", v, known)
	return ""
}

// env reads environment variables. Its errors quote no value, because a value may be a secret.
func (d *decoder) env(v *node) map[string]string {
	if !d.is("vm.env", v, kindMap) {
		return nil
	}
	env := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.str("a name in vm.env", e.key)
		if !ok {
			continue
		}
		if _, twice := env[name]; twice {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: "vm.env has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		d.checkEnvName("vm.env", e.key)
		env[name], _ = d.str("vm.env."+brief(name), e.value)
	}
	return env
}

// selector reads a selection of Envoys. An empty selection is an error.
func (d *decoder) selector(path string, v *node) NodeSelector {
	var s NodeSelector
	d.section(path, v, fields{
		"ids":      func(_, v *node) { s.IDs = d.list(path+".ids", v) },
		"clusters": func(_, v *node) { s.Clusters = d.list(path+".clusters", v) },
		"metadata": func(_, v *node) { s.Metadata = d.metadata(path+".metadata", v) },
	})
	if v.kind == kindMap && len(v.entries) == 0 {
		d.fail(&Error{
			Code: CodeBadValue, Message: path + " selects nothing",
			Hint: "give it ids, clusters or metadata, or remove it to mean every Envoy", Pos: v.pos,
		})
	}
	return s
}

// metadata reads scalars as text, in their original spelling.
func (d *decoder) metadata(path string, v *node) map[string]string {
	if !d.is(path, v, kindMap) {
		return nil
	}
	if len(v.entries) == 0 {
		d.fail(&Error{Code: CodeBadValue, Message: path + " is empty", Hint: "name a key, or remove it", Pos: v.pos})
	}
	metadata := make(map[string]string, len(v.entries))
	for _, e := range v.entries {
		name, ok := d.filled("a key in "+path, e.key)
		if !ok {
			continue
		}
		if _, twice := metadata[name]; twice {
			d.fail(&Error{
				Code: CodeDuplicateKey, Message: path + " has " + brief(name) + " twice",
				Hint: "remove one of the two", Pos: e.key.pos,
			})
		}
		switch e.value.kind {
		case kindBool:
			metadata[name] = strings.ToLower(e.value.text)
		case kindNumber:
			metadata[name] = e.value.text
		default:
			metadata[name], _ = d.str(path+"."+brief(name), e.value)
		}
	}
	return metadata
}

func (d *decoder) readRollout(v *node) {
	d.section("rollout", v, fields{
		"canary": func(_, v *node) { d.spec.Canary = d.canary(v) },
		"soak": func(key, v *node) {
			if d.duration("rollout.soak", v, 0, maxSoak) > 0 {
				d.notYet("rollout.soak", "remove it for now, or set it to 0s")(key, v)
			}
		},
	})
}

// canary reads a number of Envoys, a percentage or a selection.
func (d *decoder) canary(v *node) Canary {
	switch v.kind {
	case kindMap:
		selector := d.selector("rollout.canary", v)
		return Canary{Selector: &selector}
	case kindNumber:
		return Canary{Count: d.whole("rollout.canary", v, v.text, 0, maxCanary)}
	case kindString:
		if percent, ok := strings.CutSuffix(v.text, "%"); ok {
			return Canary{Percent: d.whole("rollout.canary in percent", v, percent, 1, 100)}
		}
	case kindInvalid:
		return Canary{}
	}
	d.fail(&Error{
		Code: CodeWrongType, Message: "rollout.canary must be a number of Envoys, a percentage or a selection, not " + v.kind.String(),
		Hint: "write it as 1, 10% or {ids: [edge-1]}", Pos: v.pos,
	})
	return Canary{}
}

package spec

import "time"

const (
	minBackoff = time.Millisecond // Envoy's own
	maxBackoff = time.Hour
	// defaultBackoff is Envoy's own base interval of reload_config.
	defaultBackoff = time.Second
)

// document decodes one document into its spec.
type document struct {
	*decoder
	defaultName string // "": the document must name itself
	spec        *Spec  // usable only if there are no errors
	known       string // the filter's name, when it is certain
}

// read reads all fields, and completes the spec.
func (d *document) read(root *node) {
	s := d.spec
	s.Canary.Count = 1
	var tests *node  // decoded last, because their fields depend on the type, which may come later
	var config *node // decoded last, because it depends on configType
	d.section("", root, fields{
		"apiVersion":    func(_, v *node) { choice(d.decoder, "apiVersion", v, APIVersion) },
		"name":          func(_, v *node) { d.readName(v) },
		"type":          func(_, v *node) { s.Type = choice(d.decoder, "type", v, HTTP, Network, Service) },
		"module":        func(_, v *node) { readModule(d.decoder, v, &s.Module) },
		"rootId":        func(_, v *node) { s.RootID, _ = d.str("rootId", v) },
		"config":        func(_, v *node) { config = v },
		"configType":    func(_, v *node) { s.ConfigType = readConfigType(d.decoder, "configType", v) },
		"configFrom":    func(_, v *node) { s.ConfigFrom = readConfigFrom(d.decoder, v) },
		"failurePolicy": func(_, v *node) { s.Policy = choice(d.decoder, "failurePolicy", v, Closed, Open, Reload) },
		"delivery":      func(_, v *node) { s.Delivery = choice(d.decoder, "delivery", v, Remote, Inline, File) },
		"vm":            func(_, v *node) { readVM(d.decoder, v, &s.VM) },
		"reloadBackoff": func(_, v *node) { s.ReloadBackoff = d.duration("reloadBackoff", v, minBackoff, maxBackoff) },
		"allowOnHeadersStopIteration": func(_, v *node) {
			allow := d.boolean("allowOnHeadersStopIteration", v)
			s.AllowOnHeadersStopIteration = &allow
		},
		"capabilities": func(_, v *node) { s.Capabilities, s.AutoCapabilities = readCapabilities(d.decoder, v) },
		"acceptLoss":   func(_, v *node) { s.AcceptLoss = readAcceptLoss(d.decoder, v) },
		"nodes":        func(_, v *node) { s.Nodes = readSelector(d.decoder, "nodes", v) },
		"rollout":      func(_, v *node) { readRollout(d.decoder, v, &s.Canary, &s.Rollout) },
		"build":        func(_, v *node) { s.Build, _ = d.filled("build", v) },
		"limits":       func(_, v *node) { readLimits(d.decoder, v, &s.Limits) },
		"smoke":        func(_, v *node) { s.NoSmoke = readSmoke(d.decoder, v) },
		"onRemove":     func(_, v *node) { s.OnRemove = choice(d.decoder, "onRemove", v, Keep, Passthrough, Deny) },
		"disabled":     func(_, v *node) { s.Disabled = d.boolean("disabled", v) },
		"tests":        func(_, v *node) { tests = v },
	})
	if typeKnown := s.Type != "" || d.seen["type"] == nil; tests != nil && typeKnown {
		s.Tests = readTests(d.decoder, tests, orDefault(s.Type, HTTP))
	}
	if typeKnown := s.ConfigType != "" || d.seen["configType"] == nil; config != nil && typeKnown {
		s.ConfigPos = config.pos
		s.Config, s.ConfigType = readConfiguration(d.decoder, "config", config, s.ConfigType)
	}
	d.complete(root)
}

func (d *document) readName(v *node) {
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

// complete fills in the defaults, and checks the rules that concern several fields.
func (d *document) complete(root *node) {
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
	s.HealthFiles = d.healthFiles
	if s.Type == Network {
		d.checkHealthFields()
	}
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
	if key := d.seen["build"]; key != nil && d.has("module") && s.Module.File == nil {
		d.fail(&Error{
			Code: CodeConflict, Message: "build has no meaning without module.file, the file that it writes",
			Hint: "remove it, or name the file, as in module: {file: ./build/filter.wasm}", Pos: key.pos,
		})
	}
	if s.Type == Service {
		checkService(d.decoder, root)
	}
	if key := d.seen["allowOnHeadersStopIteration"]; key != nil && s.Type == Network {
		d.fail(&Error{
			Code: CodeConflict, Message: "allowOnHeadersStopIteration has no meaning for type network",
			Hint: "remove it: a network filter sees no headers", Pos: key.pos,
		})
	}
}

func (d *document) validDefaultName() string {
	if nameProblem(d.defaultName) != "" {
		return ""
	}
	return d.defaultName
}

// completeName uses the file's name if the document has no name.
func (d *document) completeName(root *node) {
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

func (d *document) completePolicy() {
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

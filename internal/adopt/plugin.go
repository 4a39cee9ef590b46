package adopt

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// unfit is the reason for which a static filter stays in the file.
type unfit struct {
	message string
	pos     spec.Position
}

// reader reads a PluginConfig and keeps the first reason against the filter.
type reader struct {
	w      *wasmFilter
	reason *unfit
	notes  []Note
}

func (r *reader) refuse(n *envoyconfig.Node, message string) {
	if r.reason == nil {
		r.reason = &unfit{message, n.Pos()}
	}
}

// fields refuses unknown fields of a message: they could change the filter.
func (r *reader) fields(n *envoyconfig.Node, known ...string) {
	if n == nil {
		return
	}
	for _, e := range n.Entries {
		if !slices.ContainsFunc(known, func(name string) bool {
			key, _ := n.Field(name)
			return key != nil && key.Text == e.Key.Text
		}) {
			r.refuse(e.Key, "a spec has nothing for the field "+e.Key.Text)
		}
	}
}

// readPlugin reads the configuration of a static Wasm filter.
func readPlugin(f *envoyconfig.Filter, kind spec.Type) (*wasmFilter, []Note, *unfit) {
	r := &reader{w: &wasmFilter{kind: kind, pos: f.Node.Pos()}}
	r.fields(f.Config, "@type", "config")
	config := f.Config.Get("config")
	if config == nil {
		r.refuse(f.Node, "it has no config")
		return nil, nil, r.reason
	}
	r.fields(config, "name", "root_id", "vm_config", "configuration", "fail_open", "failure_policy", "reload_config",
		"capability_restriction_config", "allow_on_headers_stop_iteration")
	r.w.plugin, r.w.rootID = config.Scalar("name"), config.Scalar("root_id")
	r.w.config = r.configuration(config.Get("configuration"))
	r.policy(config)
	r.capabilities(config.Get("capability_restriction_config"))
	if stop := config.Get("allow_on_headers_stop_iteration"); stop != nil && kind == spec.HTTP {
		r.w.stop = strings.ToLower(stop.Text)
		if stop.Kind == envoyconfig.Map { // a written-out BoolValue
			r.w.stop = strings.ToLower(stop.Scalar("value"))
		}
	}
	r.vm(config.Get("vm_config"), config)
	if r.reason != nil {
		return nil, nil, r.reason
	}
	return r.w, r.notes, nil
}

func (r *reader) policy(config *envoyconfig.Node) {
	switch policy := config.Get("failure_policy"); config.Scalar("failure_policy") {
	case "", "UNSPECIFIED", "0":
		if config.True("fail_open") {
			r.w.policy = spec.Open
		}
	case "FAIL_OPEN", "3":
		r.w.policy = spec.Open
	case "FAIL_CLOSED", "2":
	case "FAIL_RELOAD", "1":
		r.w.policy = spec.Reload
	default:
		r.refuse(policy, "the failure policy "+policy.Text+" is unknown")
	}
	reload := config.Get("reload_config")
	r.fields(reload, "backoff")
	r.fields(reload.Get("backoff"), "base_interval", "max_interval")
	if base, ok := reload.Duration("backoff", "base_interval"); ok && r.w.policy == spec.Reload {
		r.w.backoff = base.String()
	}
	if longest := reload.Get("backoff", "max_interval"); longest != nil {
		r.notes = append(r.notes, Note{"a spec has nothing for max_interval: Envoy's default is ten times the base interval", longest.Pos()})
	}
}

// capabilities reads the functions that a module may call. Envoy's list has the callbacks, too; a
// spec always allows them.
func (r *reader) capabilities(n *envoyconfig.Node) {
	allowed := n.Get("allowed_capabilities")
	r.fields(n, "allowed_capabilities")
	if allowed == nil || len(allowed.Entries) == 0 {
		return // Envoy restricts nothing
	}
	names := []string{}
	for _, e := range allowed.Entries {
		if !isCallback(e.Key.Text) {
			names = append(names, e.Key.Text)
		}
	}
	slices.Sort(names)
	r.w.capabilities = names
}

func isCallback(name string) bool {
	return strings.HasPrefix(name, "proxy_on_") || name == "proxy_validate_configuration" || name == "_start" ||
		name == "_initialize" || name == "main" || name == "malloc"
}

func (r *reader) vm(vm, config *envoyconfig.Node) {
	if vm == nil || vm.Kind != envoyconfig.Map {
		r.refuse(config, "it has no vm_config")
		return
	}
	r.fields(vm, "vm_id", "runtime", "code", "configuration", "allow_precompiled", "nack_on_code_cache_miss",
		"environment_variables", "capability_restriction_config")
	r.w.vmID, r.w.precompiled = vm.Scalar("vm_id"), vm.True("allow_precompiled")
	r.w.vmConfig = r.configuration(vm.Get("configuration"))
	if runtime := strings.TrimPrefix(vm.Scalar("runtime"), "envoy.wasm.runtime."); runtime != "v8" {
		r.w.runtime = runtime
	}
	env := vm.Get("environment_variables")
	r.fields(env, "host_env_keys", "key_values")
	for _, name := range env.All("host_env_keys") {
		r.w.hostEnv = append(r.w.hostEnv, name.Text)
	}
	if values := env.Get("key_values"); values != nil && len(values.Entries) > 0 {
		r.w.env = map[string]string{}
		for _, e := range values.Entries {
			r.w.env[e.Key.Text] = e.Value.Text
		}
	}
	if vm.Has("capability_restriction_config") {
		r.capabilities(vm.Get("capability_restriction_config"))
	}
	r.code(vm.Get("code"), vm)
}

func (r *reader) code(code, vm *envoyconfig.Node) {
	r.fields(code, "local", "remote")
	local, remote := code.Get("local"), code.Get("remote")
	r.fields(local, "filename", "inline_bytes", "inline_string", "watched_directory")
	r.fields(remote, "http_uri", "sha256", "retry_policy")
	m := &r.w.module
	switch {
	case local.Has("filename"):
		m.file, m.pos = local.Scalar("filename"), local.Get("filename").Pos()
	case local.Has("inline_string"):
		m.bytes, m.pos = []byte(local.Scalar("inline_string")), local.Get("inline_string").Pos()
	case local.Has("inline_bytes"):
		text := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(local.Scalar("inline_bytes")), "=")
		decoded, err := base64.RawStdEncoding.DecodeString(text)
		if err != nil {
			r.refuse(local, "inline_bytes is no base64")
		}
		m.bytes, m.pos = decoded, local.Get("inline_bytes").Pos()
	case remote != nil:
		m.url, m.sha256 = remote.Scalar("http_uri", "uri"), strings.ToLower(remote.Scalar("sha256"))
		m.pos = remote.Pos()
	default:
		r.refuse(vm, "the code comes from neither a file nor a URL")
	}
}

// configuration reads an Any. The module gets the value of the message.
func (r *reader) configuration(n *envoyconfig.Node) value {
	if n == nil || n.Kind == envoyconfig.Null {
		return value{}
	}
	name := envoyconfig.TypeName(n.Scalar("@type"))
	content := n.Get("value")
	switch name {
	case "google.protobuf.StringValue":
		if content == nil || content.Text == "" {
			return value{}
		}
		return value{spec.ConfigString, content.Text}
	case "google.protobuf.Struct":
		if content == nil || content.Kind == envoyconfig.Null {
			return value{spec.ConfigStruct, "{}"}
		}
		return value{spec.ConfigStruct, envoyconfig.JSON(content)}
	case "google.protobuf.BytesValue":
		decoded, err := base64.StdEncoding.DecodeString(n.Scalar("value"))
		if err != nil || !isText(decoded) {
			r.refuse(n, "its configuration is no text: put it into a file, and name the file in configFrom of a spec")
			return value{}
		}
		return value{spec.ConfigBytes, string(decoded)}
	default:
		r.refuse(n, "its configuration is a "+name+", and a spec carries only StringValue, BytesValue and Struct")
		return value{}
	}
}

func isText(b []byte) bool {
	return strings.IndexFunc(string(b), func(c rune) bool { return c == '\ufffd' || c < ' ' && c != '\n' && c != '\t' }) < 0
}

package adopt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// read returns the input for a bootstrap.
func read(t *testing.T, text string) adopt.Input {
	t.Helper()
	c, p := envoyconfig.Read("envoy.yaml", func(path string) ([]byte, *spec.Error) {
		if path != "envoy.yaml" {
			return nil, &spec.Error{Message: "not here"}
		}
		return []byte(text), nil
	})
	if p != nil {
		t.Fatalf("%v\n%s", p, text)
	}
	return adopt.Input{Config: c, File: c.Files[0]}
}

func named(names ...string) adopt.Options {
	var o adopt.Options
	for _, name := range names {
		o.Filters = append(o.Filters, adopt.Filter{Name: name})
	}
	return o
}

func plan(t *testing.T, text string, o adopt.Options) *adopt.Plan {
	t.Helper()
	p, problem := adopt.Make(read(t, text), o)
	if problem != nil {
		t.Fatalf("%v\n%s", problem, text)
	}
	return p
}

const (
	manager = `type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`
	router  = `{name: envoy.filters.http.router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}`
	tcp     = `{name: envoy.filters.network.tcp_proxy, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy}}`
	wasm    = `type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm`
)

// withHTTP is a bootstrap with a listener and a chain of these filters.
func withHTTP(filters ...string) string {
	return "node: {id: a, cluster: b}\nstatic_resources:\n  listeners:\n  - name: web\n    filter_chains:\n    - filters:\n" +
		"      - name: hcm\n        typed_config:\n          \"@type\": " + manager + "\n          http_filters:\n          - " +
		strings.Join(filters, "\n          - ") + "\n"
}

// static is a Wasm filter in the file, with fields of the PluginConfig in flow style.
func static(name, config string) string {
	return "{name: " + name + `, typed_config: {"@type": ` + wasm + ", config: {" + config + "}}}"
}

const local = "vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: /etc/envoy/a.wasm}}}"

// The fields of a filter in the file, and the resulting spec.
func TestSpecs(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"the least": {local, "name: auth\nmodule:\n  file: ./auth.wasm\n"},
		"text": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "a: b"}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfig: \"a: b\"\n",
		},
		"lines of text": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "a\n  b\n\nc\n"}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfig: |\n  a\n    b\n\n  c\n",
		},
		"text that YAML would change": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: " a \n"}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfig: \" a \\n\"\n",
		},
		"no text": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.StringValue}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\n",
		},
		"a Struct": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.Struct, value: {a: [1, 1.50, yes, "yes", x y, null]}}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfigType: struct\nconfig:\n  a:\n  - 1\n  - 1.50\n  - true\n  - \"yes\"\n  - \"x y\"\n  - null\n",
		},
		"bytes": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.BytesValue, value: aGVsbG8=}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfigType: bytes\nconfig: hello\n",
		},
		"binary bytes": {
			`configuration: {"@type": type.googleapis.com/google.protobuf.BytesValue, value: /w==}, ` + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nconfig:\n  \"@type\": type.googleapis.com/google.protobuf.BytesValue\n  value: \"/w==\"\n",
		},
		"a module inside": {
			`vm_config: {code: {local: {inline_string: wasm}}}`, "name: auth\nmodule:\n  file: ./auth.wasm\n",
		},
		"a policy by its number": {"failure_policy: 3, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\nfailurePolicy: open\n"},
		"fail_open":              {"fail_open: true, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\nfailurePolicy: open\n"},
		"not fail_open":          {"fail_open: false, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\n"},
		"closed":                 {"failure_policy: FAIL_CLOSED, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\nfailurePolicy: closed\n"},
		"open":                   {"failure_policy: FAIL_OPEN, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\nfailurePolicy: open\n"},
		"reload": {
			"failure_policy: FAIL_RELOAD, reload_config: {backoff: {base_interval: 0.5s}}, " + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nfailurePolicy: reload\nreloadBackoff: 0.5s\n",
		},
		"a root, and headers": {
			"root_id: r, allow_on_headers_stop_iteration: true, " + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\nrootId: r\nallowOnHeadersStopIteration: true\n",
		},
		"the VM": {
			`vm_config: {vm_id: x, runtime: envoy.wasm.runtime.wamr, allow_precompiled: true, nack_on_code_cache_miss: true, ` +
				`configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: v}, ` +
				`environment_variables: {host_env_keys: [HOME], key_values: {B: "1", A: x}}, code: {local: {filename: a.wasm}}}`,
			"name: auth\nmodule:\n  file: ./auth.wasm\nvm:\n  id: x\n  runtime: wamr\n  allowPrecompiled: true\n  config: v\n  hostEnv:\n  - HOME\n  env:\n    B: \"1\"\n    A: x\n",
		},
		"capabilities": {
			"capability_restriction_config: {allowed_capabilities: {proxy_on_log: {}, proxy_log: {}, malloc: {}}}, " + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\ncapabilities:\n- proxy_log\n",
		},
		"capabilities of callbacks only": {
			"capability_restriction_config: {allowed_capabilities: {proxy_on_log: {}}}, " + local,
			"name: auth\nmodule:\n  file: ./auth.wasm\ncapabilities: []\n",
		},
		"no restriction": {
			"capability_restriction_config: {allowed_capabilities: {}}, " + local, "name: auth\nmodule:\n  file: ./auth.wasm\n",
		},
		"a URL": {
			"vm_config: {code: {remote: {http_uri: {uri: 'https://example.com/a.wasm', cluster: c, timeout: 1s}, sha256: 2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824}}}",
			"name: auth\nmodule:\n  url: https://example.com/a.wasm\n  sha256: \"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"\n",
		},
		"camel case": {
			"rootId: r, failOpen: true, vmConfig: {vmId: x, code: {local: {inlineBytes: AGFzbQ==}}}",
			"name: auth\nmodule:\n  file: ./auth.wasm\nrootId: r\nfailurePolicy: open\nvm:\n  id: x\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, withHTTP(static("auth", tt.config), router), adopt.Options{})
			if len(p.Specs) != 1 {
				t.Fatalf("%d specs, %v", len(p.Specs), p.Warnings)
			}
			_, text, _ := strings.Cut(string(p.Specs[0].Text), "\n") // without the comment
			if diff := cmp.Diff(tt.want, text); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A filter that no spec can describe stays, and the warning has the place.
func TestStays(t *testing.T) {
	for name, tt := range map[string]struct{ config, want string }{
		"another message": {
			`configuration: {"@type": type.googleapis.com/some.Config, a: 1}, ` + local,
			`a block with the @type "type.googleapis.com/some.Config"`,
		},
		"no code":               {"vm_config: {runtime: envoy.wasm.runtime.v8}", "vm_config.code is missing"},
		"no VM":                 {"name: x", "vm_config is missing"},
		"an unknown field":      {"new_field: 1, " + local, `unknown field "new_field"`},
		"an unknown VM field":   {"vm_config: {new_field: 1, code: {local: {filename: a}}}", `unknown field "new_field"`},
		"an unknown policy":     {"failure_policy: FAIL_SOMEHOW, " + local, `failure_policy cannot be "FAIL_SOMEHOW"`},
		"base64 that is broken": {"vm_config: {code: {local: {inline_bytes: '*'}}}", "no base64"},
	} {
		t.Run(name, func(t *testing.T) {
			text := withHTTP(static("auth", tt.config), static("other", local), router)
			p := plan(t, text, adopt.Options{})
			if len(p.Specs) != 1 || p.Specs[0].Spec != "other" || !strings.Contains(string(p.Text), static("auth", tt.config)) {
				t.Errorf("specs %v\n%s", p.Specs, p.Text)
			}
			if !slices.ContainsFunc(p.Warnings, func(n adopt.Note) bool {
				return strings.Contains(n.Message, "the filter auth stays in the file") && strings.Contains(n.Message, tt.want) && n.Pos.Line == 11
			}) {
				t.Errorf("warnings %v", p.Warnings)
			}
		})
	}
}

// The names of specs: the filter's own, or the plugin's name if the filter only names the
// extension. Filters of equal content share a spec.
func TestNames(t *testing.T) {
	generic := "envoy.filters.http.wasm"
	for name, tt := range map[string]struct {
		filters []string
		want    []string
	}{
		"its own":            {[]string{static("auth", "name: x, "+local)}, []string{"auth"}},
		"the plugin's":       {[]string{static(generic, "name: x, root_id: r, "+local)}, []string{"x"}},
		"the root's":         {[]string{static(generic, "root_id: r, "+local)}, []string{"r"}},
		"the module's":       {[]string{static(generic, local)}, []string{"a"}},
		"letters of a name":  {[]string{static(`"my filter"`, local)}, []string{"my_filter"}},
		"two of one name":    {[]string{static(generic, "root_id: r, "+local), static(generic, "root_id: r, fail_open: true, "+local)}, []string{"r", "a"}},
		"three of one name":  {[]string{static("a", local), static("a", "fail_open: true, "+local), static("a", "root_id: a, "+local)}, []string{"a", "a-2", "a-3"}},
		"the same twice":     {[]string{static("a", local), static("a", local)}, []string{"a"}},
		"one content, named": {[]string{static("a", local), static("b", local)}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, withHTTP(append(tt.filters, router)...), adopt.Options{})
			var got []string
			for _, s := range p.Specs {
				got = append(got, s.Spec)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Two filters share a VM by an anchor. Both are taken out, and the anchor goes with them. If a
// filter stays, the alias needs the anchor.
func TestAnchorInsideAStaticFilter(t *testing.T) {
	first := static("a", "root_id: x, vm_config: &vm {vm_id: v, code: {local: {filename: a.wasm}}}")
	p := plan(t, withHTTP(first, static("b", "root_id: z, vm_config: *vm"), router), adopt.Options{})
	if len(p.Specs) != 2 || strings.Contains(string(p.Text), "vm") && strings.Contains(string(p.Text), "&vm") {
		t.Errorf("%d specs\n%s", len(p.Specs), p.Text)
	}
	_, problem := adopt.Make(read(t, withHTTP(first, static("b", "odd: 1, vm_config: *vm"), router)), adopt.Options{})
	if problem == nil || !strings.Contains(problem.Message, "afterwards it would be broken") {
		t.Errorf("%v", problem)
	}
}

// Some control planes wrap the configuration into a TypedStruct.
func TestTypedStruct(t *testing.T) {
	filter := `{name: auth, typed_config: {"@type": type.googleapis.com/xds.type.v3.TypedStruct, type_url: ` + wasm + ", value: {config: {root_id: r, " + local + "}}}}"
	p := plan(t, withHTTP(filter, router), adopt.Options{})
	if len(p.Specs) != 1 || !strings.Contains(string(p.Specs[0].Text), "rootId: r\n") || strings.Contains(string(p.Text), "TypedStruct") {
		t.Errorf("%v\n%s", p.Specs, p.Text)
	}
}

// The comments inside a removed filter are only in the original, and the plan says so.
func TestCommentsInsideAStaticFilter(t *testing.T) {
	text := "static_resources:\n  listeners:\n  - name: web\n    filter_chains:\n    - filters:\n      - name: hcm\n        typed_config:\n          \"@type\": " + manager +
		"\n          http_filters:\n          # above\n          - name: auth # beside\n            typed_config:\n              \"@type\": " + wasm +
		"\n              config:\n                # inside\n                " + strings.ReplaceAll(local, "vm_config: ", "vm_config:\n                  ") + "\n          - " + router + "\n"
	p := plan(t, text, adopt.Options{})
	for comment, stays := range map[string]bool{"# above": true, "# beside": true, "# inside": false} {
		if strings.Contains(string(p.Text), comment) != stays {
			t.Errorf("%s:\n%s", comment, p.Text)
		}
	}
	if !slices.ContainsFunc(p.Notes, func(n adopt.Note) bool { return strings.Contains(n.Message, "comments") && n.Pos.Line == 12 }) {
		t.Errorf("notes %v", p.Notes)
	}
}

// A route configures a filter by name, so the filter keeps the name.
func TestPerRouteNamesStay(t *testing.T) {
	text := withHTTP(static("envoy.filters.http.wasm", "name: x, "+local), router) +
		"          route_config: {virtual_hosts: [{name: a, domains: ['*'], typed_per_filter_config: {envoy.filters.http.wasm: {}}}]}\n"
	if p := plan(t, text, adopt.Options{}); p.Specs[0].Spec != "envoy.filters.http.wasm" {
		t.Errorf("the spec is called %s", p.Specs[0].Spec)
	}
}

// Two filters without a VM's id ran in the same VM, and do so afterwards.
func TestSharedVM(t *testing.T) {
	p := plan(t, withHTTP(static("a", "root_id: x, "+local), static("b", "root_id: z, "+local), router), adopt.Options{})
	for _, s := range p.Specs {
		if !strings.Contains(string(s.Text), "vm:\n  id: a\n") {
			t.Errorf("%s", s.Text)
		}
	}
	p = plan(t, withHTTP(static("a", local), router), adopt.Options{})
	if strings.Contains(string(p.Specs[0].Text), "vm:") {
		t.Errorf("alone: %s", p.Specs[0].Text)
	}
}

// An aliased filter is replaced at the anchor, once.
func TestAliasedStaticFilter(t *testing.T) {
	text := "!ignore templates:\n- &auth " + static("auth", local) + "\n" + withHTTP("*auth", router) +
		"  - name: other\n    filter_chains:\n    - filters:\n      - name: hcm\n        typed_config:\n          \"@type\": " + manager +
		"\n          http_filters:\n          - *auth\n          - " + router + "\n"
	p := plan(t, text, adopt.Options{})
	if len(p.Specs) != 1 || strings.Count(string(p.Text), "config_discovery") != 1 || strings.Contains(string(p.Text), wasm+", config:") {
		t.Errorf("%d specs\n%s", len(p.Specs), p.Text)
	}
	if len(p.Chains) != 2 {
		t.Errorf("chains %+v", p.Chains)
	}
	// The second listener keeps the filter, so the anchor cannot change.
	_, problem := adopt.Make(read(t, text), adopt.Options{Listeners: []string{"web"}})
	if problem == nil || problem.Pos.Line != 2 || !strings.Contains(problem.Message, "other") {
		t.Errorf("%v", problem)
	}
}

func TestProblems(t *testing.T) {
	ads := "dynamic_resources: {ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: mesh}}]}}\n"
	plainCluster := "  clusters: [{name: wasm_xds, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 18000}}}}]}]}}]\n"
	elsewhere := strings.Replace(strings.Replace(plainCluster, "name: wasm_xds,", "name: wasm_xds, http2_protocol_options: {},", 1), "18000", "19000", 1)
	for name, tt := range map[string]struct {
		text string
		o    adopt.Options
		code string
		line int
		want string
	}{
		"nothing":       {withHTTP(router), adopt.Options{}, "nothing_to_adopt", 0, "there is nothing to adopt"},
		"a listener":    {withHTTP(router), adopt.Options{Listeners: []string{"wbe"}, Filters: named("a").Filters}, "no_listener", 0, "did you mean web?"},
		"no router":     {withHTTP("{name: x}"), named("a"), "no_place", 0, "has a router"},
		"before":        {withHTTP(router), adopt.Options{Before: "envoy.filters.http.routre", Filters: named("a").Filters}, "no_place", 0, "did you mean envoy.filters.http.router?"},
		"a taken name":  {withHTTP("{name: auth}", router), named("auth"), "name_taken", 11, "stands here already"},
		"network":       {withHTTP(router), adopt.Options{Filters: []adopt.Filter{{Name: "a", Type: spec.Network}}}, "no_place", 0, "network filters"},
		"a merge key":   {withHTTP(router) + "x: {<<: {a: 1}}\n", named("a"), "cannot_edit", 12, "merge keys"},
		"another ADS":   {ads + withHTTP(router), adopt.Options{Filters: named("a").Filters, Bootstrap: bootstrap.Options{Mode: bootstrap.ADSDelta}}, "other_ads", 1, "only one"},
		"no HTTP/2":     {withHTTP(router) + plainCluster, named("a"), "name_taken", 12, "speaks no HTTP/2"},
		"a port":        {withHTTP(router) + elsewhere, named("a"), "name_taken", 12, "leads to 127.0.0.1:19000, not to 127.0.0.1:18000"},
		"a name":        {withHTTP(router), named("a b"), "usage", 0, "letters, digits"},
		"twice":         {withHTTP(router), named("a", "a"), "usage", 0, "named twice"},
		"only unfit":    {withHTTP(static("a", "x: 1, "+local), router), adopt.Options{}, "nothing_to_adopt", 11, "stays in the file"},
		"an odd layout": {"{static_resources: }", named("a"), "no_place", 0, "no listener"},
	} {
		t.Run(name, func(t *testing.T) {
			p, problem := adopt.Make(read(t, tt.text), tt.o)
			if p != nil || problem == nil || problem.Code != tt.code || problem.Pos.Line != tt.line || !strings.Contains(problem.Error(), tt.want) {
				t.Errorf("%+v", problem)
			}
		})
	}
}

// The order of the new filters, and their places.
func TestPlaces(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		o    adopt.Options
		want []string // of the last changed chain
	}{
		"two":        {withHTTP("{name: x}", router), named("a", "b"), []string{"x", "a", "b", "envoy.filters.http.router"}},
		"before":     {withHTTP("{name: x}", "{name: y}", router), adopt.Options{Before: "y", Filters: named("a").Filters}, []string{"x", "a", "y", "envoy.filters.http.router"}},
		"by type":    {withHTTP("{name: x}", strings.Replace(router, "envoy.filters.http.router,", "r,", 1)), named("a"), []string{"x", "a", "r"}},
		"both kinds": {withHTTP(static("w", local), router), named("a"), []string{"w", "a", "envoy.filters.http.router"}},
		"taken out already": {
			withHTTP(static("envoy.filters.http.wasm", "name: w, "+local), router), named("w"), []string{"w", "envoy.filters.http.router"},
		},
		"network": {
			"node: {id: a, cluster: b}\nstatic_resources: {listeners: [{name: t, filter_chains: [{filters: [{name: x}, " + tcp + "]}]}]}\n",
			named("a"),
			[]string{"x", "a", "envoy.filters.network.tcp_proxy"},
		},
		"before the manager": {
			withHTTP(router), adopt.Options{Before: "hcm", Filters: []adopt.Filter{{Name: "a", Type: spec.Network}}}, []string{"a", "hcm"},
		},
		"the type of the spec": {
			withHTTP(router), adopt.Options{Before: "hcm", Filters: named("a").Filters, Specs: map[string]spec.Type{"a": spec.Network}}, []string{"a", "hcm"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, tt.text, tt.o)
			var got []string
			for _, e := range p.Chains[len(p.Chains)-1].After {
				got = append(got, e.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

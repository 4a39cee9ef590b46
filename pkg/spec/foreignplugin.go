package spec

// readPlugin reads a PluginConfig. No other function reads one.
func readPlugin(n *native, path string, config *node) {
	at := func(name string) string { return join(path, name) }
	p := pluginPolicy{native: n, path: path}
	var plugin *node
	n.section(path, config, spelled(fields{
		"name":                            func(_, v *node) { plugin = v },
		"root_id":                         func(k, v *node) { n.put("rootId", k, v, at("root_id")) },
		"vm_config":                       func(_, v *node) { readEnvoyVM(n, at("vm_config"), v) },
		"configuration":                   func(k, v *node) { n.anyConfig("config", at("configuration"), k, v) },
		"fail_open":                       func(_, v *node) { p.failOpen = v },
		"failure_policy":                  func(k, v *node) { p.readPolicy(k, v) },
		"reload_config":                   func(k, v *node) { p.reloadKey, p.reload = k, v },
		"capability_restriction_config":   func(_, v *node) { readRestriction(n, at("capability_restriction_config"), v) },
		"allow_on_headers_stop_iteration": func(k, v *node) { readStop(n, at("allow_on_headers_stop_iteration"), k, v) },
	}))
	p.complete()
	if plugin == nil || !n.is(at("name"), plugin, kindString) {
		return
	}
	n.plugin = plugin.text
	if nameProblem(plugin.text) == "" {
		n.setName(plugin, at("name")) // the name of the filter goes first
	}
}

// pluginPolicy reads the fields about the failure of a plugin.
type pluginPolicy struct {
	*native
	path              string
	failOpen          *node
	reloadKey, reload *node
	policy            string // "": the default
}

func (p *pluginPolicy) at(name string) string { return join(p.path, name) }

// readPolicy reads the policy by its name, or by its number as in an answer of Envoy.
func (p *pluginPolicy) readPolicy(key, v *node) {
	words := []struct{ number, name, native string }{
		{"2", "FAIL_CLOSED", "closed"}, {"3", "FAIL_OPEN", "open"}, {"1", "FAIL_RELOAD", "reload"}, {"0", "UNSPECIFIED", ""},
	}
	var names []string
	for _, word := range words {
		if v.kind == kindNumber && v.text == word.number {
			v = text(word.name, v)
		}
		names = append(names, word.name)
	}
	chosen := choice(p.decoder, p.at("failure_policy"), v, names...)
	for _, word := range words {
		if word.name == chosen && word.native != "" {
			p.policy = word.native
			p.put("failurePolicy", key, text(word.native, v), p.at("failure_policy"))
		}
	}
}

// complete applies the fields that depend on the policy.
func (p *pluginPolicy) complete() {
	if p.failOpen != nil && p.boolean(p.at("fail_open"), p.failOpen) && p.policy == "" {
		p.put("failurePolicy", p.failOpen, text("open", p.failOpen), p.at("fail_open"))
	}
	switch {
	case p.reload == nil:
	case p.policy == "reload":
		readReload(p.native, p.at("reload_config"), p.reload)
	default:
		p.ignored(p.at("reload_config"), p.reloadKey, "it is for the policy FAIL_RELOAD", "")
	}
}

func readStop(n *native, path string, key, v *node) {
	if v.kind == kindMap { // a BoolValue that is written out
		v = v.at("value")
	}
	if v == nil || !n.is(path, v, kindBool) {
		return
	}
	if n.root.at("type") != nil {
		n.ignored(path, key, "a network filter sees no headers", "")
		return
	}
	n.put("allowOnHeadersStopIteration", key, v, path)
}

func readReload(n *native, path string, v *node) {
	n.section(path, v, fields{
		"backoff": func(_, v *node) {
			n.section(path+".backoff", v, spelled(fields{
				"base_interval": func(k, v *node) { n.put("reloadBackoff", k, v, path+".backoff.base_interval") },
				"max_interval": func(k, _ *node) {
					n.ignored(path+".backoff.max_interval", k, "Envoy's default is ten times the base interval", "")
				},
			}))
		},
	})
}

package spec

// readPlugin reads a PluginConfig.
func readPlugin(n *native, path string, config *node) {
	at := func(name string) string { return join(path, name) }
	var plugin, failOpen, policy *node
	n.section(path, config, spelled(fields{
		"name":          func(_, v *node) { plugin = v },
		"root_id":       func(k, v *node) { n.put("rootId", k, v, at("root_id")) },
		"vm_config":     func(_, v *node) { readEnvoyVM(n, at("vm_config"), v) },
		"configuration": func(k, v *node) { n.anyConfig("config", at("configuration"), k, v) },
		"fail_open":     func(_, v *node) { failOpen = v },
		"failure_policy": func(k, v *node) {
			policy = v
			n.one("failurePolicy", at("failure_policy"), k, v, [2]string{"FAIL_CLOSED", "closed"},
				[2]string{"FAIL_OPEN", "open"}, [2]string{"FAIL_RELOAD", "reload"}, [2]string{"UNSPECIFIED", "closed"})
		},
		"reload_config":                   func(_, v *node) { readReload(n, at("reload_config"), v) },
		"capability_restriction_config":   func(_, v *node) { readRestriction(n, at("capability_restriction_config"), v) },
		"allow_on_headers_stop_iteration": func(k, v *node) { readStop(n, at("allow_on_headers_stop_iteration"), k, v) },
	}))
	if plugin != nil {
		n.setName(plugin, at("name")) // the name of the filter goes first
	}
	if failOpen != nil && n.boolean(at("fail_open"), failOpen) && (policy == nil || policy.text == "UNSPECIFIED") {
		n.put("failurePolicy", failOpen, text("open", failOpen), at("fail_open"))
	}
}

func readStop(n *native, path string, key, v *node) {
	if v.kind == kindMap { // a BoolValue that is written out
		v = v.at("value")
	}
	if v != nil && n.is(path, v, kindBool) {
		n.put("allowOnHeadersStopIteration", key, v, path)
	}
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

package snapshot

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// changesMost bounds the keys in the result of Changes.
const changesMost = 20

// Changes returns the keys that differ between two revisions, sorted. The keys are a spec's:
// config.realm, module.sha256, vm.env.TOKEN. Values may be secret and are never part of the result.
// If more than twenty keys differ, the last entry is "…".
func Changes(from, to *Revision) []string {
	var keys []string
	note := func(key string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			keys = append(keys, key)
		}
	}
	note("type", from.Type, to.Type)
	note("module.sha256", from.Module.SHA256, to.Module.SHA256)
	note("rootId", from.RootID, to.RootID)
	keys = append(keys, configChanges("config", from.Config, to.Config)...)
	note("failurePolicy", from.Policy, to.Policy)
	note("reloadBackoff", from.Backoff, to.Backoff)
	note("allowOnHeadersStopIteration", from.AllowOnHeadersStopIteration, to.AllowOnHeadersStopIteration)
	note("capabilities", from.Capabilities, to.Capabilities)
	note("vm.id", from.VM.ID, to.VM.ID)
	note("vm.runtime", from.VM.Runtime, to.VM.Runtime)
	keys = append(keys, configChanges("vm.config", from.VM.Config, to.VM.Config)...)
	for _, name := range unionOfKeys(from.VM.Env, to.VM.Env) {
		before, was := from.VM.Env[name]
		after, is := to.VM.Env[name]
		note("vm.env."+name, []any{before, was}, []any{after, is})
	}
	note("vm.hostEnv", from.VM.HostEnv, to.VM.HostEnv)
	note("vm.allowPrecompiled", from.VM.AllowPrecompiled, to.VM.AllowPrecompiled)
	slices.Sort(keys)
	if len(keys) > changesMost {
		keys = append(keys[:changesMost], "…")
	}
	return keys
}

// configChanges compares configurations key by key if both are JSON objects. For all others the
// result is the key of the configuration alone.
func configChanges(key string, from, to *string) []string {
	if from == nil || to == nil {
		if from == to {
			return nil
		}
		return []string{key}
	}
	if *from == *to {
		return nil
	}
	a, isA := object(*from)
	b, isB := object(*to)
	if !isA || !isB {
		return []string{key}
	}
	if keys := objectChanges(key, a, b); len(keys) > 0 {
		return keys
	}
	return []string{key} // the order or the spelling of numbers differs
}

func object(text string) (map[string]any, bool) {
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	var value map[string]any
	err := in.Decode(&value)
	return value, err == nil && value != nil && !in.More()
}

func objectChanges(key string, a, b map[string]any) (keys []string) {
	for _, name := range unionOfKeys(a, b) {
		before, was := a[name]
		after, is := b[name]
		inA, isA := before.(map[string]any)
		inB, isB := after.(map[string]any)
		switch {
		case isA && isB:
			keys = append(keys, objectChanges(key+"."+name, inA, inB)...)
		case was != is || !reflect.DeepEqual(before, after):
			keys = append(keys, key+"."+name)
		}
	}
	return keys
}

func unionOfKeys[V any](a, b map[string]V) []string {
	var keys []string
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		if _, twice := a[key]; !twice {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

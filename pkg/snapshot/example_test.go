package snapshot_test

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A revision without a configuration differs from a revision with an empty configuration.
func ExampleFromSpec() {
	s := &spec.Spec{Name: "auth", Type: spec.HTTP, Policy: spec.Closed, VM: spec.VM{Runtime: "envoy.wasm.runtime.v8"}}
	module := snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", Size: 5}
	empty := ""
	fmt.Println(snapshot.FromSpec(s, module, nil).ID)
	fmt.Println(snapshot.FromSpec(s, module, &empty).ID)
	// Output:
	// 98152e4c6168
	// a27acbe68777
}

// The version of a snapshot depends only on its content: equal specs give equal versions.
func ExampleDiff() {
	filter := func(name, config string) *snapshot.Filter {
		specs, _, _ := spec.Decode(name+".yaml", []byte("module: {file: ./filter.wasm}"))
		module := snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", Size: 5}
		return &snapshot.Filter{Name: name, Revision: snapshot.FromSpec(specs[0], module, &config)}
	}
	before := snapshot.New([]*snapshot.Filter{filter("auth", "a"), filter("hello", "a")})
	again := snapshot.New([]*snapshot.Filter{filter("hello", "a"), filter("auth", "a")})
	after := snapshot.New([]*snapshot.Filter{filter("auth", "b"), filter("hello", "a")})
	fmt.Println(before.Version() == again.Version(), snapshot.Diff(before, again))
	fmt.Println(before.Version() == after.Version(), snapshot.Diff(before, after))
	// Output:
	// true []
	// false [auth]
}

// Changes names the settings that differ, and none of their values, which may be secret.
func ExampleChanges() {
	s := &spec.Spec{Name: "auth", Type: spec.HTTP, Policy: spec.Closed, VM: spec.VM{Runtime: "envoy.wasm.runtime.v8"}}
	before, after := `{"realm": "staging", "limit": 5}`, `{"realm": "prod", "limit": 5}`
	fmt.Println(snapshot.Changes(
		snapshot.FromSpec(s, snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}, &before),
		snapshot.FromSpec(s, snapshot.Module{SHA256: "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"}, &after),
	))
	// Output:
	// [config.realm module.sha256]
}

// An Envoy that is too old for a setting ignores the setting.
func ExampleRevision_Losses() {
	s := &spec.Spec{Name: "auth", Type: spec.HTTP, Policy: spec.Reload, VM: spec.VM{Runtime: "envoy.wasm.runtime.v8"}}
	revision := snapshot.FromSpec(s, snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}, nil)
	fmt.Println(revision.Losses("1.40.0"))
	for _, loss := range revision.Losses("1.32.1") {
		fmt.Println(loss)
	}
	// Output:
	// []
	// `failurePolicy: reload` needs Envoy 1.33; without it, a filter that fails is not reloaded, and refuses every request until a new revision comes
}

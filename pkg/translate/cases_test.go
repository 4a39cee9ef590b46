package translate_test

import (
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

const testSalt = "00112233445566ff"

// A module of the shortest kind, \0asm and the version: translate looks at none.
var testModule = []byte("\x00asm\x01\x00\x00\x00")

var testSHA256 = strings.Repeat("9c8abc07", 8)

// remoteCode, inlineCode and fileCode are functions, so tests share no state.
func remoteCode() translate.Code {
	return translate.Code{
		Variant: translate.Remote,
		URL:     "http://wasm-xds.local/modules/" + testSHA256 + ".wasm",
		Cluster: "wasm_xds_modules",
		Timeout: 30 * time.Second,
	}
}

func inlineCode() translate.Code {
	return translate.Code{Variant: translate.Inline, Bytes: testModule}
}

func fileCode() translate.Code {
	return translate.Code{Variant: translate.File, Path: "/var/lib/wasm-xds/modules/" + testSHA256 + ".wasm"}
}

// revision is a plain revision with one change, and sealed.
func revision(change func(*snapshot.Revision)) *snapshot.Revision {
	r := &snapshot.Revision{
		Filter: "auth",
		Type:   spec.HTTP,
		Module: snapshot.Module{SHA256: testSHA256, Size: int64(len(testModule))},
		Policy: spec.Closed,
		VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
	if change != nil {
		change(r)
	}
	return r.Seal()
}

type testCase struct {
	name     string
	revision *snapshot.Revision
	code     translate.Code
	version  translate.Version
}

var (
	v1_32 = translate.Version{Major: 1, Minor: 32}
	v1_34 = translate.Version{Major: 1, Minor: 34, Patch: 2}
	v1_36 = translate.Version{Major: 1, Minor: 36, Patch: 4}
	v1_39 = translate.Version{Major: 1, Minor: 39, Patch: 3}
	v1_40 = translate.Version{Major: 1, Minor: 40}

	noVersion translate.Version
)

// cases are the golden files: a case for each setting of a spec, and for each version with a
// dialect of its own.
func cases() []testCase {
	plain := revision(nil)
	network := revision(func(r *snapshot.Revision) { r.Filter, r.Type = "tcp_log", spec.Network })
	open := revision(func(r *snapshot.Revision) { r.Policy = spec.Open })
	reload := revision(func(r *snapshot.Revision) { r.Policy, r.Backoff = spec.Reload, 1500*time.Millisecond })
	config := revision(func(r *snapshot.Revision) {
		r.RootID, r.Config = "auth_root", text(`{"realm":"prod","limit":1e400}`)
	})
	empty := revision(func(r *snapshot.Revision) { r.Config = text("") })
	binary := revision(func(r *snapshot.Revision) {
		r.Config, r.ConfigType = text("\xff\x00"), spec.ConfigBytes
		r.VM.Config, r.VM.ConfigType = text("\xfe"), spec.ConfigBytes
	})
	object := revision(func(r *snapshot.Revision) {
		wire, err := spec.ConfigStruct.Encode(`{"realm": "prod", "limit": 1e3}`)
		if err != nil {
			panic(err)
		}
		r.Config, r.ConfigType = &wire, spec.ConfigStruct
	})
	vm := revision(func(r *snapshot.Revision) {
		r.VM.ID, r.VM.Config, r.VM.AllowPrecompiled = "shared", text("vm text"), true
	})
	env := revision(func(r *snapshot.Revision) {
		r.VM.Env = map[string]string{"B": "2", "A": "1"}
		r.VM.HostEnv = []string{"HOME", "TZ"}
	})
	sharedEnv := revision(func(r *snapshot.Revision) {
		r.VM.ID, r.VM.Env = "shared", map[string]string{"A": "1"}
	})
	runtime := revision(func(r *snapshot.Revision) { r.VM.Runtime = "envoy.wasm.runtime.wamr" })
	capabilities := revision(func(r *snapshot.Revision) { r.Capabilities = []string{"fd_write", "proxy_log"} })
	nothing := revision(func(r *snapshot.Revision) { r.Capabilities = []string{} })
	stop := revision(func(r *snapshot.Revision) { no := false; r.AllowOnHeadersStopIteration = &no })

	return []testCase{
		{"http-remote", plain, remoteCode(), v1_40},
		{"http-inline", plain, inlineCode(), v1_40},
		{"http-file", plain, fileCode(), v1_40},
		{"network-remote", network, remoteCode(), v1_40},
		{"network-inline", network, inlineCode(), v1_40},
		{"network-file", network, fileCode(), v1_40},
		{"policy-open", open, remoteCode(), v1_40},
		{"policy-open-1.32", open, remoteCode(), v1_32},
		{"policy-closed-1.32", plain, remoteCode(), v1_32},
		{"policy-reload", reload, remoteCode(), v1_40},
		{"policy-reload-1.32", reload, remoteCode(), v1_32},
		{"config", config, remoteCode(), v1_40},
		{"config-empty", empty, remoteCode(), v1_40},
		{"config-bytes", binary, remoteCode(), v1_40},
		{"config-struct", object, remoteCode(), v1_36},
		{"vm", vm, remoteCode(), v1_40},
		{"vm-1.39", vm, remoteCode(), v1_39},
		{"env-1.36", env, remoteCode(), v1_36},
		{"env-1.40", env, remoteCode(), v1_40},
		{"env-shared-vm-1.36", sharedEnv, remoteCode(), v1_36},
		{"env-shared-vm-unknown", sharedEnv, remoteCode(), noVersion},
		{"runtime-1.39", runtime, remoteCode(), v1_39},
		{"runtime-1.40", runtime, remoteCode(), v1_40},
		{"capabilities-1.36", capabilities, remoteCode(), v1_36},
		{"capabilities-1.39", capabilities, remoteCode(), v1_39},
		{"capabilities-1.40", capabilities, remoteCode(), v1_40},
		{"capabilities-unknown", capabilities, remoteCode(), noVersion},
		{"capabilities-none-1.40", nothing, remoteCode(), v1_40},
		{"stop-iteration-1.34", stop, remoteCode(), v1_34},
		{"stop-iteration-1.36", stop, remoteCode(), v1_36},
	}
}

func text(s string) *string { return &s }

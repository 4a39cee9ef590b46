package translate_test

import (
	"strings"
	"testing"
	"time"

	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

func TestWhatNoEnvoyCouldTakeIsAnError(t *testing.T) {
	code := func(c translate.Code, change func(*translate.Code)) translate.Code {
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		revision *snapshot.Revision
		code     translate.Code
		salt     string
		want     string // a part of the error
	}{
		"no name": {
			revision: revision(func(r *snapshot.Revision) { r.Filter = "" }), want: "Name",
		},
		"type": {
			revision: revision(func(r *snapshot.Revision) { r.Type = "udp" }), want: `unknown filter type "udp"`,
		},
		"policy": {
			revision: revision(func(r *snapshot.Revision) { r.Policy = "" }), want: "unknown failure policy",
		},
		"backoff": {
			revision: revision(func(r *snapshot.Revision) { r.Policy, r.Backoff = spec.Reload, time.Microsecond }),
			want:     "BaseInterval",
		},
		"sha256 in upper case": {
			revision: revision(func(r *snapshot.Revision) { r.Module.SHA256 = strings.ToUpper(testSHA256) }),
			want:     "64 lowercase hex digits",
		},
		"no sha256": {
			revision: revision(func(r *snapshot.Revision) { r.Module.SHA256 = "" }), want: "64 lowercase hex digits",
		},
		"configuration is not text": {
			revision: revision(func(r *snapshot.Revision) { r.Config = text("\xff") }),
			want:     "plugin configuration: cannot be put on the wire (text must be UTF-8)",
		},
		"VM configuration is not text": {
			revision: revision(func(r *snapshot.Revision) { r.VM.Config = text("\xff") }), want: "VM configuration",
		},
		"environment is not text": {
			revision: revision(func(r *snapshot.Revision) { r.VM.Env = map[string]string{"A": "\xff"} }), want: "UTF-8",
		},
		"no salt":        {salt: "-", want: "16 lowercase hex digits"},
		"no variant":     {code: translate.Code{Variant: 'x'}, want: "unknown variant 'x'"},
		"no inline code": {code: translate.Code{Variant: translate.Inline}, want: "without a module"},
		"no file":        {code: translate.Code{Variant: translate.File}, want: "Filename"},
		"no cluster": {
			code: code(remoteCode(), func(c *translate.Code) { c.Cluster = "" }), want: "Cluster",
		},
		"relative URL": {
			code: code(remoteCode(), func(c *translate.Code) { c.URL = "/modules/x.wasm" }), want: "not an absolute",
		},
		"URL with a fragment": {
			code: code(remoteCode(), func(c *translate.Code) { c.URL += "#x" }), want: "fragment",
		},
		"negative timeout": {
			code: code(remoteCode(), func(c *translate.Code) { c.Timeout = -1 }), want: "Timeout",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, source, salt := c.revision, c.code, c.salt
			if r == nil {
				r = revision(nil)
			}
			if source.Variant == 0 {
				source = remoteCode()
			}
			if salt == "" {
				salt = testSalt
			}
			_, err := translate.Resource(r, source, salt, v1_40)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
			if _, again := translate.Marshal(r, source, salt, v1_40); again == nil {
				t.Error("Marshal took it")
			}
		})
	}
}

// TestVMID shows when two revisions may meet in one VM.
func TestVMID(t *testing.T) {
	env := func(id string, value string) *snapshot.Revision {
		return revision(func(r *snapshot.Revision) {
			r.VM.ID = id
			if value != "" {
				r.VM.Env = map[string]string{"A": value}
			}
		})
	}
	for _, c := range []struct {
		name     string
		version  translate.Version
		revision *snapshot.Revision
		want     string // ending in @: and a hash
	}{
		{"own, plain", v1_36, env("", ""), "wasm-xds/auth"},
		{"own, plain, new", v1_40, env("", ""), "wasm-xds/auth"},
		{"own, environment", v1_36, env("", "1"), "wasm-xds/auth@"},
		{"own, environment, 1.39", v1_39, env("", "1"), "wasm-xds/auth@"},
		{"own, environment, new", v1_40, env("", "1"), "wasm-xds/auth"},
		{"own, environment, unknown", noVersion, env("", "1"), "wasm-xds/auth@"},
		{"user's, plain", v1_36, env("shared", ""), "shared"},
		{"user's, environment", v1_36, env("shared", "1"), "shared@"},
		{"user's, environment, new", v1_40, env("shared", "1"), "shared"},
		{"user's, environment, unknown", noVersion, env("shared", "1"), "shared"},
		{
			"capabilities", v1_39,
			revision(func(r *snapshot.Revision) { r.Capabilities = []string{"proxy_log"} }), "wasm-xds/auth@",
		},
		{
			"no capabilities at all", v1_39,
			revision(func(r *snapshot.Revision) { r.Capabilities = []string{} }), "wasm-xds/auth@",
		},
		{"host environment", v1_36, revision(func(r *snapshot.Revision) { r.VM.HostEnv = []string{"A"} }), "wasm-xds/auth@"},
		{"runtime", v1_36, revision(func(r *snapshot.Revision) { r.VM.Runtime = "envoy.wasm.runtime.wamr" }), "wasm-xds/auth@"},
		{"precompiled", v1_36, revision(func(r *snapshot.Revision) { r.VM.AllowPrecompiled = true }), "wasm-xds/auth@"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := plugin(t, c.revision, c.version).GetVmConfig().GetVmId()
			stem, hash, hashed := strings.Cut(got, "@")
			wantStem, _, wantHashed := strings.Cut(c.want, "@")
			if stem != wantStem || hashed != wantHashed || hashed && len(hash) != 8 {
				t.Errorf("vm_id %q, want %q", got, c.want)
			}
		})
	}
	same := plugin(t, env("shared", "1"), v1_36).GetVmConfig().GetVmId()
	if other := plugin(t, env("shared", "2"), v1_36).GetVmConfig().GetVmId(); other == same {
		t.Error("two environments have one vm_id")
	}
	twin := revision(func(r *snapshot.Revision) {
		r.Filter, r.VM.ID, r.VM.Env = "twin", "shared", map[string]string{"A": "1"}
	})
	if other := plugin(t, twin, v1_36).GetVmConfig().GetVmId(); other != same {
		t.Error("two filters of equal settings do not share their VM")
	}
}

func TestRemoteURLKeepsItsQuery(t *testing.T) {
	code := remoteCode()
	code.URL = "https://host/m.wasm?a=b%2Fc"
	code.Timeout = 0
	resource, err := translate.Resource(revision(nil), code, testSalt, v1_40)
	if err != nil {
		t.Fatal(err)
	}
	filter := new(httpwasmv3.Wasm)
	if err := resource.GetTypedConfig().UnmarshalTo(filter); err != nil {
		t.Fatal(err)
	}
	uri := filter.GetConfig().GetVmConfig().GetCode().GetRemote().GetHttpUri()
	if want := "https://host/m.wasm?a=b%2Fc&t=" + testSalt; uri.GetUri() != want {
		t.Errorf("URI %s, want %s", uri.GetUri(), want)
	}
	if got := uri.GetTimeout().AsDuration(); got != translate.DefaultTimeout {
		t.Errorf("timeout %v", got)
	}
}

func plugin(t *testing.T, r *snapshot.Revision, v translate.Version) *wasmv3.PluginConfig {
	t.Helper()
	resource, err := translate.Resource(r, remoteCode(), testSalt, v)
	if err != nil {
		t.Fatal(err)
	}
	filter := new(httpwasmv3.Wasm)
	if err := resource.GetTypedConfig().UnmarshalTo(filter); err != nil {
		t.Fatal(err)
	}
	return filter.GetConfig()
}

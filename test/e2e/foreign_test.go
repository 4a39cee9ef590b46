package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The documents of other systems, as they are in their own documentation: each goes live with its
// module, configuration, failure policy and selector. The capital words are filled in by the test.
var foreignDocuments = map[string]string{
	"plugin": `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: plugin, namespace: istio-ingress}
spec:
  selector: {matchLabels: {app: web}}
  url: file://MODULES/plugin.wasm
  phase: AUTHN
  pluginConfig: {from: plugin}
  failStrategy: FAIL_OPEN
  vmConfig: {env: [{name: WHO, value: plugin}]}
`,
	"extension": `apiVersion: v1
kind: List
items:
- apiVersion: extensions.istio.io/v1alpha1
  kind: TrafficExtension
  metadata: {name: extension}
  spec:
    selector: {matchLabels: {app: web}}
    wasm:
      url: WEB/extension.wasm
      sha256: SHA256
      pluginConfig: {from: extension}
      failStrategy: FAIL_CLOSE
`,
	"gateway": `apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {name: policy}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: backend}]
  wasm:
  - name: gateway
    code:
      type: Image
      image: {url: REGISTRY/gateway:v1, pullSecretRef: {kind: Secret, name: pull-secret}}
    config: {from: gateway}
  - name: gateway-open
    code: {type: HTTP, http: {url: WEB/trap.wasm, sha256: TRAP}}
    failOpen: true
`,
	"wasme": `apiVersion: wasme.io/v1
kind: FilterDeployment
metadata: {name: wasme}
spec:
  deployment: {istio: {kind: Deployment, labels: {app: web}}}
  filter:
    image: REGISTRY/wasme:v1
    imagePullOptions: {pullSecret: pull-secret}
    config: {"@type": type.googleapis.com/google.protobuf.StringValue, value: '{"from":"wasme"}'}
`,
	"envoy": `{
  "name": "envoy",
  "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
    "config": {
      "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "{\"from\":\"envoy\"}"},
      "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": "MODULES/envoy.wasm"}}}
    }
  }
}
---
http_filters:
- name: envoy-open
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config: {failure_policy: FAIL_OPEN, vm_config: {code: {local: {filename: MODULES/trap.wasm}}}}
- name: envoy.filters.http.router
  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`,
}

func TestForeignDocumentsGoLive(t *testing.T) {
	reg := registrytest.Start(t, registrytest.Options{User: "ann", Password: "s3cret"})
	s := newScenario(t, "--preflight", "off", "--insecure-registry", reg.Host)
	stamped := func(stamp string) []byte {
		return testfilter.HTTP{Stamp: stamp, EchoConfig: true, EchoEnv: "WHO"}.Module()
	}
	trap := testfilter.HTTP{TrapOnRequest: true}.Module()
	web := serveModules(t, map[string][]byte{"/extension.wasm": stamped("extension"), "/trap.wasm": trap})
	modules := filepath.Join(s.dir, "modules")
	for _, name := range []string{"plugin", "envoy"} {
		harness.WriteFile(t, filepath.Join(modules, name+".wasm"), stamped(name))
	}
	harness.WriteFile(t, filepath.Join(modules, "trap.wasm"), trap)
	harness.WriteFile(t, filepath.Join(s.dir, "pull-secret"), []byte("ann:s3cret\n"))
	for _, name := range []string{"gateway", "wasme"} {
		reg.Push(t, name+":v1", registrytest.Artifact(stamped(name)))
	}
	for name, text := range foreignDocuments {
		text = strings.NewReplacer("MODULES", modules, "WEB", web.URL, "REGISTRY", reg.Host,
			"SHA256", harness.SHA256(stamped("extension")), "TRAP", harness.SHA256(trap)).Replace(text)
		harness.WriteFile(t, filepath.Join(s.dir, name+".yaml"), []byte(text))
	}
	s.cp.Start()
	kinds := []string{"plugin", "extension", "gateway", "wasme", "envoy"}
	var listeners [][]harness.Filter
	for _, name := range append(kinds, "gateway-open", "envoy-open") {
		listeners = append(listeners, harness.Filters(name))
	}
	app := func(name string) func(*harness.Bootstrap) {
		return func(b *harness.Bootstrap) { b.Metadata = map[string]string{"app": name} }
	}
	chosen := s.envoy(proxyOptions{node: "chosen", web: listeners, change: app("web")})
	other := s.envoy(proxyOptions{node: "other", web: listeners[:4], change: app("db")})

	for i, name := range kinds {
		a := waitAnswer(t, chosen.web[i], nil, func(a harness.Answer) bool { return a.Stamp() == name })
		if want := `{"from":"` + name + `"}`; a.Status != 200 || a.Header.Get("x-config") != want {
			t.Errorf("%s: the answer is %d with the configuration %q, and not %q", name, a.Status, a.Header.Get("x-config"), want)
		}
		if name == "plugin" && a.Header.Get("x-env") != "plugin" {
			t.Errorf("the variable of vmConfig.env is %q", a.Header.Get("x-env"))
		}
	}
	// Each worker of Envoy passes everything after the request that trapped.
	for _, address := range chosen.web[len(kinds):] {
		waitAnswer(t, address, nil, func(a harness.Answer) bool { return a.Status == 200 })
	}
	// The selectors do not choose this Envoy: it gets the stand-in of the failure policy.
	for i, passes := range map[int]bool{0: true, 1: false, 3: false} {
		a := waitAnswer(t, other.web[i], nil, func(a harness.Answer) bool { return (a.Status == 200) == passes })
		if a.Stamp() != "" {
			t.Errorf("%s runs on an Envoy that its selector does not choose", kinds[i])
		}
	}
}

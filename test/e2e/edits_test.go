package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// tellModule returns a module that shows the configuration on every response.
func tellModule(stamp string) []byte {
	return testfilter.HTTP{Stamp: stamp, RequireToken: true, EchoConfig: true, EchoEnv: "COLOUR", EchoLog: true}.Module()
}

// The host calls of a tellModule, and capability lists with and without the log.
const (
	hostCalls = "proxy_get_header_map_value, proxy_add_header_map_value, proxy_send_local_response, " +
		"proxy_get_buffer_bytes, environ_sizes_get, environ_get"
	noLog   = "capabilities: [" + hostCalls + "]"
	withLog = "capabilities: [" + hostCalls + ", proxy_log]"
)

// edits are changes of a spec that leave the module unchanged. Each shows in a response header;
// "" means no header.
var edits = []struct{ spec, header, want string }{
	{"config: two", testfilter.ConfigHeader, "two"},
	{"config: {realm: [prod, 1.0]}", testfilter.ConfigHeader, `{"realm":["prod",1.0]}`},
	{"vm: {env: {COLOUR: red}}", testfilter.EnvHeader, "red"},
	{"vm: {env: {COLOUR: blue}}", testfilter.EnvHeader, "blue"},
	{"vm: {env: {OTHER: blue}}", testfilter.EnvHeader, ""},
	{noLog, testfilter.LogHeader, "refused"},
	{withLog, testfilter.LogHeader, "ok"},
	{noLog + "\nvm: {id: mine, env: {COLOUR: green}}", testfilter.LogHeader, "refused"},
	{"vm: {id: mine, env: {COLOUR: white}}", testfilter.EnvHeader, "white"},
	{"vm: {id: mine}", testfilter.EnvHeader, ""},
	{"config: one", testfilter.ConfigHeader, "one"},
}

// Edits of configuration, environment and capabilities take effect on every Envoy, with the same
// guarantees as a new module.
func TestEdits(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		for _, delivery := range []string{"remote", "inline"} {
			if delivery == "remote" || version == harness.DefaultVersion {
				t.Run(version+"/"+delivery, func(t *testing.T) { editAll(t, version, delivery) })
			}
		}
	}
}

func editAll(t *testing.T, version, delivery string) {
	s := newScenario(t)
	module := tellModule("v1")
	s.write(auth, module, lines("config: one", "delivery: "+delivery))
	s.cp.Start()
	envoy := s.envoy(proxyOptions{version: version})
	last := s.cp.WaitLive(auth, module, 1)
	l := s.load(envoy)
	l.live("v1")
	for _, e := range edits {
		s.write(auth, module, lines(e.spec, "delivery: "+delivery))
		last = s.editLive(auth, last)
		if got := last.Here()[0]; got.Variant != delivery || got.Error != nil {
			t.Errorf("%s: went live as %s, with error %+v", e.spec, got.Variant, got.Error)
		}
		waitHeader(t, l.web[0], e.header, e.want)
	}
	l.end()
}

// editLive waits until a revision other than last is live on an Envoy.
func (s *scenario) editLive(name string, last harness.FilterStatus) harness.FilterStatus {
	s.t.Helper()
	return s.cp.WaitFilter(name, func(f harness.FilterStatus) bool {
		return f.State == harness.Active && f.Revision != last.Revision && f.LiveOn(1)
	})
}

// waitHeader waits until a response header has a value on both workers. A row of new connections
// with the value stands for both workers.
func waitHeader(t *testing.T, address, header, value string) {
	t.Helper()
	row := 0
	waitAnswer(t, address, withToken(), func(a harness.Answer) bool {
		if row++; a.Header.Get(header) != value || a.Stamp() == "" {
			row = 0
		}
		return row == 10
	})
}

// The server watches the file of configFrom, and shows the contents nowhere.
func TestEditConfigFrom(t *testing.T) {
	s := newScenario(t)
	module := tellModule("v1")
	const spec = "configFrom: {file: ../secrets/auth.json}"
	secret := s.file("../secrets/auth.json")
	harness.WriteFile(t, secret, []byte(`{"password":"correct horse"}`))
	s.write(auth, module, spec)
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	first := s.cp.WaitLive(auth, module, 1)
	l := s.load(envoy)
	l.live("v1")
	waitHeader(t, envoy.web[0], testfilter.ConfigHeader, `{"password":"correct horse"}`)
	harness.WriteFile(t, secret, []byte(`{"password":"battery staple"}`))
	s.editLive(auth, first)
	waitHeader(t, envoy.web[0], testfilter.ConfigHeader, `{"password":"battery staple"}`)
	l.end()

	told := s.cp.Log() + s.get("/api/v1/filters") + s.get("/api/v1/filters/"+auth) + s.get("/api/v1/source") + s.get("/metrics")
	for _, word := range []string{"correct horse", "battery staple"} {
		if strings.Contains(told, word) {
			t.Errorf("the log or the API shows %q", word)
		}
	}
}

// The largest allowed configuration reaches a filter complete and survives a restart.
func TestLargestConfiguration(t *testing.T) {
	s := newScenario(t)
	large := strings.Repeat("0123456789abcdef", 1<<20) // 16 MiB
	harness.WriteFile(t, s.file("../large.txt"), []byte(large))
	module := testfilter.HTTP{Stamp: "v1", AnswerConfig: true}.Module()
	s.write(auth, module, "configFrom: {file: ../large.txt}")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	first := s.cp.WaitLive(auth, module, 1)
	waitAnswer(t, envoy.web[0], nil, func(a harness.Answer) bool { return a.Body == large })
	s.cp.Kill()
	s.cp.Start()
	if again := s.cp.WaitLive(auth, module, 1); again.Revision != first.Revision {
		t.Errorf("revision %s after a restart, %s before it", again.Revision, first.Revision)
	}
}

// The test checks the bytes of the configuration that reach a filter for each configuration type.
// After a restart the server remembers the configuration, whatever the bytes.
func TestConfigurationTypes(t *testing.T) {
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			const binary = "\xff\x00\xfe{\n"
			harness.WriteFile(t, s.file("../a.bin"), []byte(binary))
			harness.WriteFile(t, s.file("../a.json"), []byte(`{"realm": "prod"}`))
			module := testfilter.HTTP{Stamp: "v1", AnswerConfig: true}.Module()
			s.write(auth, module, "config: {a: 1}")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{version: version})
			last := s.cp.WaitLive(auth, module, 1)
			for _, e := range []struct{ spec, want, warning string }{
				{"configFrom: {file: ../a.bin}", binary, ""},
				{"configFrom: {file: ../a.json}\nconfigType: struct", "\n\x0f\n\x05realm\x12\x06\x1a\x04prod", ""},
				{`config: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "a: b"}`, "a: b", "typed_config"},
				{`config: {"@type": type.googleapis.com/google.protobuf.BytesValue, value: /wD+}`, "\xff\x00\xfe", "typed_config"},
			} {
				s.write(auth, module, e.spec)
				last = s.editLive(auth, last)
				waitAnswer(t, envoy.web[0], nil, func(a harness.Answer) bool { return a.Body == e.want })
				if got := last.Warnings; len(got) > 0 != (e.warning != "") || len(got) > 0 && got[0].Code != e.warning {
					t.Errorf("%s: warnings %+v", e.spec, got)
				}
			}
			s.cp.Kill()
			s.cp.Start()
			if again := s.cp.WaitLive(auth, module, 1); again.Revision != last.Revision {
				t.Errorf("revision %s after a restart, %s before it", again.Revision, last.Revision)
			}
			waitAnswer(t, envoy.web[0], nil, func(a harness.Answer) bool { return a.Body == "\xff\x00\xfe" })
		})
	}
}

// An edit of comments or of the rollout makes no new revision and reaches no Envoy.
func TestEditOfCommentsOnly(t *testing.T) {
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ECDSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			module := tellModule("v1")
			s.write(auth, module, "config: {a: 1}")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode})
			first := s.cp.WaitLive(auth, module, 1)
			l := s.load(envoy)
			l.live("v1")
			before := envoy.FilterStats(auth)
			for i, spec := range []string{
				"# why this filter is here\nconfig: {a: 1}",
				"config:\n  a: 1 # one\n\n\n",
				"config: {a: 1}\nrollout: {canary: 0}",
				"config: {a: 1}\nnodes: {clusters: [edge]}\nonRemove: keep",
			} {
				s.write(auth, module, spec)
				// The server reads specs in order, so a live marker proves that the edit was
				// read.
				marker := "marker-" + string(rune('a'+i))
				s.write(marker, module, "")
				s.cp.WaitFilter(marker, func(f harness.FilterStatus) bool { return f.State == harness.Active })
				if now := s.cp.WaitLive(auth, module, 1); now.Revision != first.Revision || now.Error != nil {
					t.Errorf("%q: revision %s instead of %s, error %+v", spec, now.Revision, first.Revision, now.Error)
				}
			}
			l.end()
			if d := harness.Diff(before, envoy.FilterStats(auth)); len(d) > 0 {
				t.Errorf("Envoy was sent something: %v", d)
			}
		})
	}
}

// An edit of the failure policy alone takes effect: the policy governs requests after a trap.
func TestEditFailurePolicy(t *testing.T) {
	t.Parallel()
	for _, version := range []string{harness.DefaultVersion, "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			const trap = "trap"
			module := testfilter.HTTP{Stamp: "trap", TrapOnRequest: true}.Module()
			s.write(auth, authModule("v1"), "")
			s.write(trap, module, "smoke: off\nfailurePolicy: closed")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{version: version, web: [][]harness.Filter{harness.Filters(auth), harness.Filters(trap)}})
			last := s.cp.WaitLive(trap, module, 1)
			s.cp.WaitLive(auth, authModule("v1"), 1)
			l := s.load(envoy)
			l.live("v1")
			closed := func() {
				for range 10 {
					if a := harness.Get(t, envoy.web[1], nil); a.Status != http.StatusServiceUnavailable && a.Status != http.StatusInternalServerError {
						t.Errorf("a closed filter that traps answers %d", a.Status)
					}
				}
			}
			closed()
			s.write(trap, module, "smoke: off\nfailurePolicy: open")
			last = s.editLive(trap, last)
			waitAnswer(t, envoy.web[1], nil, func(a harness.Answer) bool { return passed(a) == harness.OK })
			s.write(trap, module, "smoke: off\nfailurePolicy: reload\nreloadBackoff: 100ms")
			last = s.editLive(trap, last)
			waitAnswer(t, envoy.web[1], nil, func(a harness.Answer) bool {
				if a.Status == http.StatusOK && a.Stamp() != "" {
					t.Errorf("a module that traps answers %+v", a)
				}
				for name, n := range envoy.Stats("wasm.") {
					if strings.HasSuffix(name, "vm_reload_success") && n > 0 {
						return true
					}
				}
				return false
			})
			s.write(trap, module, "smoke: off\nfailurePolicy: closed")
			s.editLive(trap, last)
			waitAnswer(t, envoy.web[1], nil, func(a harness.Answer) bool { return a.Status != http.StatusOK })
			closed()
			l.end()
		})
	}
}

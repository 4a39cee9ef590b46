package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// canaryText matches each canary. A canary is CANARY, the name of its place, and a tail that makes
// it long. It is upper-case, since some programs change the case of letters.
var canaryText = regexp.MustCompile(`(?i)CANARY[A-Z0-9]+|4711471147114711`)

// canary is a secret for a place.
func canary(place string) string { return "CANARY" + place + "0Z9Y8X7W" }

// sight is a text in which no canary may be.
type sight struct{ where, text string }

// canaries is a server with files and an environment full of canaries, with all that it says.
type canaries struct {
	*scenario
	mu     sync.Mutex
	sights []sight
}

func (c *canaries) saw(where, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sights = append(c.sights, sight{where, text})
}

// file writes a file beside the specs.
func (c *canaries) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	harness.WriteFile(c.t, path, []byte(text))
	return path
}

// command runs a command, and keeps its output.
func (c *canaries) command(args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), harness.BuildBinary(c.t), args...)
	out, _ := cmd.CombinedOutput() // many commands shall fail
	c.saw("wasm-xds "+strings.Join(args, " "), string(out))
	return string(out)
}

// ask runs a command that asks the server.
func (c *canaries) ask(args ...string) string {
	c.t.Helper()
	return c.command(append(args, "--admin-address", strings.TrimPrefix(c.cp.AdminURL(), "http://"))...)
}

// nackClient refuses each filter with a message that quotes the filter's secrets.
func (c *canaries) nackClient(secrets map[string]string) {
	ctx, cancel := context.WithCancel(c.t.Context())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(dialXDS(c.t, c.cp.XDSAddress())).DeltaAggregatedResources(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	const url = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
	if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{Node: refuserIdentity(), TypeUrl: url, ResourceNamesSubscribe: slices.Sorted(maps.Keys(secrets))}); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	c.t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for {
			response, err := stream.Recv()
			if err != nil {
				return
			}
			message := "Unable to create Wasm plugin"
			for _, resource := range response.Resources {
				message += " " + resource.Name + ": " + secrets[resource.Name]
			}
			_ = stream.Send(&discoveryv3.DeltaDiscoveryRequest{ // the next Recv fails, too
				TypeUrl: url, ResponseNonce: response.Nonce,
				ErrorDetail: &statuspb.Status{Code: int32(codes.Internal), Message: message},
			})
		}
	}()
}

// events keeps all events of the server until the test ends.
func (c *canaries) events() (end func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cp.AdminURL()+"/api/v1/events", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var text bytes.Buffer
		_, _ = io.Copy(&text, response.Body) // ends with ctx
		c.saw("GET /api/v1/events", text.String())
	}()
	return func() { cancel(); <-done; _ = response.Body.Close() }
}

func (c *canaries) get(path string) {
	c.t.Helper()
	response, err := http.Get(c.cp.AdminURL() + path)
	if err != nil {
		c.t.Error(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Error(err)
	}
	c.saw("GET "+path, fmt.Sprint(response.Header)+string(text))
}

// look collects the statements of the server about itself.
func (c *canaries) look() {
	c.t.Helper()
	for _, path := range []string{
		"/", "/metrics", "/healthz", "/readyz", "/api/v1", "/api/v1/filters", "/api/v1/nodes", "/api/v1/snapshot",
		"/api/v1/source", "/api/v1/limits", "/api/v1/certificates", "/api/v1/openapi.json", "/api/v1/nothing?q=" + "x",
	} {
		c.get(path)
	}
	for _, f := range c.cp.Status() {
		c.get("/api/v1/filters/" + f.Name)
		c.get("/api/v1/filters/" + f.Name + "/history")
		c.get("/api/v1/filters/" + f.Name + "/diff")
		c.ask("diff", f.Name)
		c.ask("diff", f.Name, "-o", "json")
		c.ask("status", f.Name)
		c.ask("history", f.Name, "-o", "json")
	}
	for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"status", "--nodes"}, {"status", "--nodes", "-o", "json"}, {"history", auth}, {"__complete", "status", ""}} {
		c.ask(args...)
	}
}

// No secret of a spec, of a registry or of the server itself is in any output: not in the log, the
// API, the events, the metrics, the page, in commands that ask the server, or in errors, whatever
// goes wrong beside the secret. The state has the configurations, sealed.
func TestSecretsAreNowhere(t *testing.T) {
	web := echoing(t)
	c := &canaries{scenario: newScenario(t)}
	beside := t.TempDir()
	secretFile := func(name, text string) string {
		path := filepath.Join(beside, name)
		harness.WriteFile(t, path, []byte(text))
		return path
	}
	keys := secretFile("state.key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))+"\n")
	secretFile("config.json", fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, strings.TrimPrefix(web.URL, "http://"), base64.StdEncoding.EncodeToString([]byte("docker:"+canary("DOCKERCONFIG")))))
	c.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{
		Dir:  c.dir,
		Args: []string{"--state-key-file", keys, "--insecure-registry", strings.TrimPrefix(web.URL, "http://")},
		Env: []string{
			"DOCKER_CONFIG=" + beside, "WASM_XDS_HOST_ENV=HOST_TOKEN=" + canary("HOSTTOKEN"),
			"HTTPS_PROXY=http://proxy:" + canary("PROXY") + "@127.0.0.1:1", "UNUSED_SECRET=" + canary("ENVIRON"),
		},
	})
	c.goodSpecs()
	c.cp.Start()
	end := c.events()
	e := c.envoy(proxyOptions{web: [][]harness.Filter{harness.Filters(auth, "text", "object", "from")}})
	e.WaitReady()
	c.cp.WaitLive(auth, testfilter.HTTP{Stamp: "v1", RequireToken: true}.Module(), 1)

	c.badSpecs(web)
	for _, name := range []string{"logs", "fails"} {
		c.cp.WaitFilter(name, func(f harness.FilterStatus) bool { return f.Error != nil })
	}
	c.nackClient(map[string]string{
		auth:     strings.Join([]string{canary("JSON"), canary("NESTED"), canary("VMCONFIG"), canary("ENV"), "4711471147114711"}, ", "),
		"text":   "password = " + canary("TEXT"),
		"object": `\"password\": \"` + canary("STRUCT") + `\"`,
		"from":   `{"password":"` + canary("FROM") + `"} at ` + canary("FROM"),
	})
	c.cp.WaitLog("Unable to create Wasm plugin")

	// Edits, a rollback, a retry, and other commands.
	first := c.cp.Status()
	harness.WriteFilter(t, c.dir, "text", testfilter.HTTP{Stamp: "v2"}.Module(), fmt.Sprintf("config: |\n  password = %s\n", canary("TEXT")))
	c.cp.WaitFilter("text", func(f harness.FilterStatus) bool {
		return f.Module.SHA256 == harness.SHA256(testfilter.HTTP{Stamp: "v2"}.Module())
	})
	for _, f := range first {
		c.ask("retry", f.Name)
		c.ask("rollout", "promote", f.Name)
	}
	c.ask("rollback", "text")
	c.ask("forget", "text")
	c.look()
	c.cp.WaitFilter("proxied", func(f harness.FilterStatus) bool { return f.Error != nil })
	c.look()

	// Files of the server that are no good.
	bad := canary("SERVERFILE")
	for _, flag := range []string{"--state-key-file", "--admin-token-file", "--verify-key", "--ca-file"} {
		c.command("serve", c.dir, "--state-dir", filepath.Join(beside, "state"), "--xds-address", "127.0.0.1:0", "--modules-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0",
			flag, secretFile("bad"+flag, bad+": "+bad+"\n"))
	}
	c.command("serve", c.dir, "--state-dir", filepath.Join(beside, "state"), "--tls-cert-file", secretFile("tls.crt", bad), "--tls-key-file", secretFile("tls.key", "-----BEGIN PRIVATE KEY-----\n"+bad+"\n-----END PRIVATE KEY-----\n"))

	end()
	c.cp.Restart()
	c.look()
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", c.cp.PID()))
	if err != nil {
		t.Error(err)
	}
	c.saw("the arguments of the server", string(cmdline))
	c.saw("the log", c.cp.Log())
	c.cp.Stop()
	c.saw("the log", c.cp.Log())
	err = filepath.WalkDir(c.cp.StateDir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Ext(path) == ".wasm" {
			return err
		}
		text, err := os.ReadFile(path)
		c.saw(path, string(text))
		return err
	})
	if err != nil {
		t.Error(err)
	}
	c.sawHistory(keys)
	c.judge()
}

// sawHistory looks at the files of the history without their seal: unlike the state, they have no
// secret.
func (c *canaries) sawHistory(keyFile string) {
	c.t.Helper()
	keys, err := os.ReadFile(keyFile)
	if err != nil {
		c.t.Fatal(err)
	}
	harness.WriteFile(c.t, keyFile, append([]byte("plain\n"), keys...))
	c.cp.Start()
	c.cp.Stop()
	files, err := filepath.Glob(filepath.Join(c.cp.StateDir(), "history-*.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	hidden := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			c.t.Error(err)
		}
		hidden += bytes.Count(text, []byte("…"))
		c.saw(path, string(text))
	}
	if hidden < 5 {
		c.t.Errorf("the %d files of the history hide %d values", len(files), hidden)
	}
}

// judge reports each canary with the first places where it is.
func (c *canaries) judge() {
	c.t.Helper()
	const most = 3
	places := map[string]int{}
	for _, s := range c.sights {
		for _, at := range canaryText.FindAllStringIndex(s.text, -1) {
			found := s.text[at[0]:at[1]]
			if places[found]++; places[found] <= most {
				c.t.Errorf("%s is in %s: …%q", found, s.where, s.text[max(0, at[0]-120):min(len(s.text), at[1]+60)])
			}
		}
	}
	if len(c.sights) < 100 {
		c.t.Errorf("only %d texts were looked at", len(c.sights))
	}
}

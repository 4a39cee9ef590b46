package deploy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// insideVariable makes the test binary the one inside a network of its own.
const insideVariable = "WASM_XDS_TEST_INSIDE"

// compose is the part of compose.yaml that the test reads.
type compose struct {
	Services map[string]service
}

type service struct {
	Image   string
	Build   string
	Command []string
	Volumes []string
}

// TestCompose starts each service of compose.yaml with its command, as a process. Network and mount
// namespaces stand for the containers' network. All processes share one loopback, and /etc/hosts
// has the names of the services.
func TestCompose(t *testing.T) {
	if os.Getenv(insideVariable) == "1" {
		runCompose(t)
		return
	}
	t.Parallel()
	harness.BuildBinary(t) // inside, there is no network for a build
	harness.Envoy(t, "")
	args := []string{"--net", "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(args, os.Args[0], "-test.run", "^TestCompose$", "-test.v")...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestCompose") {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func runCompose(t *testing.T) {
	var c compose
	if err := yaml.Unmarshal([]byte(read(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	nameServices(t, c)
	for _, name := range []string{"upstream", "wasm-xds", "envoy", "prometheus"} {
		start(t, name, c.Services[name])
		delete(c.Services, name)
	}
	if len(c.Services) > 0 {
		t.Errorf("the test does not start %v", c.Services)
	}

	// The page says: curl -i http://127.0.0.1:10000/
	wait(t, "a prime token passes, and the filter hello answers", func() bool {
		status, header, _ := get("http://127.0.0.1:10000/", "7")
		return status == http.StatusOK && header.Get("hello") == "world"
	})
	wait(t, "another token is refused", func() bool {
		status, _, _ := get("http://127.0.0.1:10000/", "8")
		return status == http.StatusForbidden
	})
	output(t, exec.CommandContext(t.Context(), harness.BuildBinary(t), "status", "--exit-code"))
	for _, job := range []string{"wasm-xds", "envoy"} {
		wait(t, "Prometheus reads the metrics of "+job, func() bool { return query(`up{job="`+job+`"}`) == "1" })
	}
	if status, _, _ := get("http://127.0.0.1:9902/quitquitquit", ""); status != http.StatusNotFound {
		t.Errorf("Envoy's listener for metrics answers %d to a path of the admin port", status)
	}
}

// nameServices makes the loopback of this network usable, and gives it the names of all services.
func nameServices(t *testing.T, c compose) {
	t.Helper()
	hosts := "127.0.0.1 localhost"
	for name := range c.Services {
		hosts += " " + name
	}
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(hosts+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	output(t, exec.CommandContext(t.Context(), "mount", "--bind", path, "/etc/hosts"))
	output(t, exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up"))
}

// start starts the program of a service's image with the service's command. Paths of the host
// replace the paths of volumes.
func start(t *testing.T, name string, s service) {
	t.Helper()
	var path string
	args := slices.Clone(s.Command)
	switch {
	case s.Build == ".":
		path = harness.BuildBinary(t)
	case strings.HasPrefix(s.Image, "docker.io/envoyproxy/envoy:v"+harness.DefaultVersion):
		path = harness.Envoy(t, "")
		args = append(args, "--disable-hot-restart") // both Envoys would share memory, as containers do not
	case strings.HasPrefix(s.Image, "docker.io/prom/prometheus:"):
		path = "/usr/bin/prometheus"
		// The image's own arguments.
		args = append(args, "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path="+t.TempDir())
	default:
		t.Fatalf("the test has no program for the service %s: %+v", name, s)
	}
	for _, volume := range s.Volumes {
		source, target, _ := strings.Cut(strings.TrimSuffix(volume, ":ro"), ":")
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], target, inRepository(source))
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "WASM_XDS_STATE_DIR="+filepath.Join(t.TempDir(), "state")) // as in the Dockerfile
	cmd.SysProcAttr = program.DieWithParent()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("%s:\n%s", name, text[max(0, len(text)-4000):])
		}
	})
}

func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !harness.Poll(t.Context(), done) {
		t.Fatalf("not so: %s", what)
	}
}

func get(address, token string) (status int, header http.Header, body string) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, ""
	}
	request.Header.Set("token", token)
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body) // a part is as good as nothing
	return response.StatusCode, response.Header, string(text)
}

// query is the value of an instant query to Prometheus, "" without one.
func query(expression string) string {
	_, _, body := get("http://127.0.0.1:9090/api/v1/query?query="+url.QueryEscape(expression), "")
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if json.Unmarshal([]byte(body), &answer) != nil || len(answer.Data.Result) == 0 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

package e2e_test

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// attack attacks a server until the end of the test, and returns when the attack is under way.
func attack(t *testing.T, s *scenario, args ...string) {
	t.Helper()
	binary, err := program.Build("test", "./bench/attacker", "attacker")
	if err != nil {
		t.Fatal(err)
	}
	common := []string{
		"-filter", auth, "-xds", s.cp.XDSAddress(), "-modules", s.cp.ModulesAddress(),
		"-admin", strings.TrimPrefix(s.cp.AdminURL(), "http://"),
	}
	cmd := exec.Command(binary, append(common, args...)...)
	cmd.SysProcAttr = program.DieWithParent()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	t.Cleanup(func() {
		_ = in.Close()
		rest, _ := io.ReadAll(lines) // the counts
		t.Logf("%q: %s", args, rest)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the attacker says %q, %v", line, err)
	}
}

// TestEditsUnderAttack has edits go live while a client opens streams and resets them, and while
// others ask for made-up names. The status shows the limits that the clients reached, and the log
// has a line for each and not one for each stream.
func TestEditsUnderAttack(t *testing.T) {
	s := newScenario(t, "--max-opens-per-connection", "10", "--max-name-bytes", "500KiB")
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, authModule("v1"), 1)
	l := s.load(envoy)
	l.live("v1")
	attack(t, s, "-kind", "rapid-reset", "-n", "4")
	attack(t, s, "-kind", "names", "-n", "4", "-from", "127.0.0.3")
	attack(t, s, "-kind", "slowloris", "-n", "300", "-from", "127.0.0.4")
	for _, stamp := range []string{"v2", "v3"} {
		s.swap(auth, authModule(stamp), "", 1)
		l.live(stamp)
	}
	l.end()
	limits := func() string { return s.command(0, "status") }
	for _, flag := range []string{"--max-opens-per-connection 10", "--max-name-bytes 512000"} {
		if !harness.Poll(t.Context(), func() bool { return strings.Contains(limits(), flag) }) {
			t.Errorf("the status does not name %s:\n%s", flag, limits())
		}
	}
	if n := strings.Count(s.cp.Log(), "a client reached a limit"); n == 0 || n > 10 {
		t.Errorf("%d lines of the log are about limits", n)
	}
	if s.metric(`wasm_xds_limit_refusals_total{limit="opens_per_connection"}`) == 0 {
		t.Error("the metrics do not count the streams that were held back")
	}
}

// TestLargeNodes has nodes refused with a status that says why.
func TestLargeNodes(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	for name, tt := range map[string]struct {
		metadata int
		id       string
		code     codes.Code
		want     string
	}{
		"16 MB":            {16 << 20, "big", codes.ResourceExhausted, "4194304"},
		"100 KB":           {100 << 10, "big", codes.ResourceExhausted, "more than 65536 bytes (--max-node-size)"},
		"an id of 2,000 B": {0, strings.Repeat("i", 2000), codes.InvalidArgument, "more than 1024 bytes"},
		"50 KB":            {50 << 10, "large", codes.OK, ""},
	} {
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(dialXDS(t, s.cp.XDSAddress())).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		node := &corev3.Node{Id: tt.id, Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
			"big": structpb.NewStringValue(strings.Repeat("m", tt.metadata)),
		}}}
		_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{auth}})
		_, err = str.Recv()
		if status.Code(err) != tt.code || !strings.Contains(status.Convert(err).Message(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

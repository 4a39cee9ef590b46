package harness_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anyAnswer accepts an upstream's answer without a filter.
func anyAnswer(a harness.Answer) harness.Verdict {
	if a.Status == http.StatusOK && a.Body == harness.Welcome {
		return harness.OK
	}
	return harness.Wrong
}

// start starts an Envoy with an HTTP and a TCP listener without filters.
func start(t *testing.T, mode harness.Mode) (envoy *harness.EnvoyProcess, upstream *harness.Upstream, web, raw int) {
	t.Helper()
	upstream = harness.StartUpstream(t)
	web, raw = harness.FreePort(t), harness.FreePort(t)
	envoy = harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		Mode:           mode,
		XDSAddress:     harness.Loopback(harness.FreePort(t)),
		ModulesAddress: harness.Loopback(harness.FreePort(t)),
		Metadata:       map[string]string{"env": "prod"},
		HTTP:           []harness.HTTPListener{{Name: "web", Port: web, Upstream: upstream.Address()}},
		TCP:            []harness.TCPListener{{Name: "raw", Port: raw, Upstream: harness.StartTCPEcho(t)}},
	}.YAML(t)})
	envoy.WaitReady()
	return envoy, upstream, web, raw
}

func TestLoadThroughEnvoy(t *testing.T) {
	t.Parallel()
	envoy, upstream, web, _ := start(t, harness.ADSDelta)
	load := harness.StartLoad(t, harness.LoadOptions{
		Address: harness.Loopback(web), Requests: []harness.Request{{Judge: anyAnswer}},
	})
	load.WaitRequests(100)
	result := load.MustBeClean()
	if got := upstream.Requests(); got != int64(result.Requests) {
		t.Errorf("the load counts %d requests, the upstream %d", result.Requests, got)
	}
	stats := envoy.Stats("http.web.")
	if got := stats["http.web.downstream_rq_2xx"]; got != int64(result.Requests) {
		t.Errorf("the load counts %d requests, Envoy %d", result.Requests, got)
	}
	// Half of the requests use a new connection.
	if got := stats["http.web.downstream_cx_total"]; got < int64(result.Requests)/2 || got > int64(result.Requests)/2+4 {
		t.Errorf("%d connections for %d requests", got, result.Requests)
	}
	if load.Stale(time.Time{}, "v1") != result.Requests || load.Stale(time.Now()) != 0 {
		t.Error("answers without a stamp are stale, and none began after now")
	}
	if !strings.Contains(envoy.ConfigDump(""), `"env": "prod"`) {
		t.Error("the node's metadata is not in the bootstrap")
	}
	if envoy.RSS() < 10<<20 {
		t.Errorf("RSS %d", envoy.RSS())
	}
}

func TestLoadCountsWhatGoesWrong(t *testing.T) {
	t.Parallel()
	envoy, _, web, _ := start(t, harness.ECDSDelta)
	load := harness.StartLoad(t, harness.LoadOptions{Address: harness.Loopback(web)})
	load.WaitRequests(10)
	envoy.Kill()
	load.WaitRequests(10)
	result := load.Stop()
	if result.Bypassed < 10 || result.Wrong < 10 || len(result.Examples) == 0 {
		t.Errorf("10 without a stamp and 10 refused connections are counted as %s", result)
	}
	envoy.Restart()
	envoy.WaitReady()
	if got := harness.Get(t, harness.Loopback(web), nil); anyAnswer(got) != harness.OK {
		t.Errorf("after a restart: %+v", got)
	}
}

func TestOpenConnections(t *testing.T) {
	t.Parallel()
	_, upstream, web, raw := start(t, harness.ADSSotW)
	t.Run("stream", func(t *testing.T) {
		conn := dial(t, web)
		fmt.Fprint(conn, "GET /stream HTTP/1.1\r\nHost: test\r\n\r\n")
		<-upstream.Started()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		upstream.Send("one ")
		if _, err := io.ReadFull(res.Body, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		upstream.Send("two")
		upstream.EndStreams()
		if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "two" {
			t.Errorf("rest %q, error %v", rest, err)
		}
	})
	t.Run("upgrade", func(t *testing.T) {
		conn := dial(t, web)
		fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		reader := bufio.NewReader(conn)
		res, err := http.ReadResponse(reader, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%+v, %v", res, err)
		}
		echo(t, conn, reader)
	})
	t.Run("tcp", func(t *testing.T) {
		conn := dial(t, raw)
		echo(t, conn, conn)
	})
}

func dial(t *testing.T, port int) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", harness.Loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(harness.Deadline))
	return conn
}

func echo(t *testing.T, to io.Writer, from io.Reader) {
	t.Helper()
	fmt.Fprint(to, "ping")
	got := make([]byte, 4)
	if _, err := io.ReadFull(from, got); err != nil || string(got) != "ping" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	link := harness.StartLink(t, harness.StartTCPEcho(t))
	port := link.Address()[len("127.0.0.1:"):]
	connect := func() net.Conn {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		echo(t, conn, conn)
		return conn
	}
	conn := connect()
	link.Cut()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a cut connection still brings data")
	}
	conn = connect()
	link.Refuse()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a refusing link still brings data")
	}
	if _, err := net.Dial("tcp", link.Address()); err == nil {
		t.Error("a refusing link takes connections")
	}
	link.Restore()
	link.SetRate(1 << 20)
	connect()
	if link.Passed() != 12 {
		t.Errorf("%d bytes have passed, not 12", link.Passed())
	}
}

func TestBootstrapModes(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		b := harness.Bootstrap{
			Mode: mode, XDSAddress: "127.0.0.1:1", ModulesAddress: "127.0.0.1:2", LDSAddress: "127.0.0.1:3",
			InitialFetchTimeout: "1s",
			HTTP: []harness.HTTPListener{{
				Name: "web", Port: harness.FreePort(t), Upstream: "127.0.0.1:4",
				Filters: []harness.Filter{{Name: "a"}, {Name: "b", XDSAddress: "127.0.0.1:5"}},
			}},
			TCP: []harness.TCPListener{{
				Name: "raw", Port: harness.FreePort(t), Upstream: "127.0.0.1:4", Filters: harness.Filters("n"),
			}},
		}
		// Envoy itself validates the bootstrap.
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: b.YAML(t), ExtraArgs: []string{"--drain-time-s", "1"}})
		if dump := envoy.ConfigDump(""); !strings.Contains(dump, `"initial_fetch_timeout": "1s"`) {
			t.Errorf("%s: the bootstrap has no initial_fetch_timeout", mode)
		}
		listener := b.Listener(t, b.HTTP[0])
		if err := listener.ValidateAll(); err != nil || listener.GetName() != "web" {
			t.Errorf("%s: listener %v, %v", mode, listener, err)
		}
		if err := b.TCPListener(t, b.TCP[0]).ValidateAll(); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestControlPlane(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v1, v2 := testfilter.HTTP{Stamp: "v1"}.Module(), testfilter.HTTP{Stamp: "v2"}.Module()
	harness.WriteFilter(t, dir, "auth", v1, "failurePolicy: closed\n")
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir})
	link := harness.StartLink(t, plane.XDSAddress())
	port := harness.FreePort(t)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{NodeID: "mine", Bootstrap: harness.Bootstrap{
		XDSAddress: link.Address(), ModulesAddress: plane.ModulesAddress(),
		HTTP: []harness.HTTPListener{{
			Name: "web", Port: port, Filters: harness.Filters("auth"), Upstream: harness.StartUpstream(t).Address(),
		}},
	}.YAML(t)})
	envoy.WaitReady()
	status := plane.WaitLive("auth", v1, 1)
	if s := status.Subscribers[0]; s.Node != "mine" || s.Envoy != harness.DefaultVersion {
		t.Errorf("subscriber %+v", s)
	}
	load := harness.StartLoad(t, harness.LoadOptions{Address: harness.Loopback(port)})
	load.WaitStamp("v1")
	harness.WriteFilter(t, dir, "auth", v2, "")
	plane.WaitLive("auth", v2, 1)
	load.WaitStamp("v2")
	link.Cut()
	plane.Restart()
	plane.WaitLive("auth", v2, 1)
	load.WaitRequests(20)
	load.MustBeClean()
	if n := load.Stale(time.Time{}, "v1", "v2"); n != 0 {
		t.Errorf("%d answers with neither stamp", n)
	}
	plane.Stop()
	if _, found := harness.Diff(map[string]int64{"a": 1}, envoy.FilterStats("auth"))["config_reload"]; !found {
		t.Error("Envoy counts no config_reload for the filter")
	}
}

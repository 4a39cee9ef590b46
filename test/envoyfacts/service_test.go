package envoyfacts

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// service is a Wasm service in a bootstrap, with the vm_id shared.
type service struct {
	receiver  testfilter.Receiver
	remote    *modules // nil: a local file
	perWorker bool
	hot       bool   // a hot restart is possible
	policy    string // "": Envoy's default
}

// serviceStarts is the log line of a service when it is configured.
const serviceStarts = "the service starts"

func (s service) module() []byte {
	s.receiver.Queue, s.receiver.LogOnConfigure = cmp.Or(s.receiver.Queue, "http"), serviceStarts
	return s.receiver.Module()
}

// extension returns an entry of bootstrap_extensions.
func (s service) extension(t *testing.T) string {
	t.Helper()
	module := s.module()
	path := filepath.Join(t.TempDir(), "service.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	code := fmt.Sprintf("local: {filename: %q}", path)
	if s.remote != nil {
		code = fmt.Sprintf("remote: {sha256: %s, http_uri: {uri: %q, cluster: wasm_xds_modules, timeout: 5s}}",
			harness.SHA256(module), "http://"+s.remote.address()+"/modules/"+harness.SHA256(module)+".wasm")
	}
	policy := ""
	if s.policy != "" {
		policy = "failure_policy: " + s.policy + ", "
	}
	return fmt.Sprintf(`- name: envoy.bootstrap.wasm
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.wasm.v3.WasmService
    singleton: %v
    config: {name: service, %svm_config: {vm_id: shared, runtime: envoy.wasm.runtime.v8, code: {%s}}}
`, !s.perWorker, policy, code)
}

// startService starts an Envoy with a service.
func startService(t *testing.T, version string, s service, filters ...string) *edge {
	t.Helper()
	extension := s.extension(t)
	return start(t, setup{
		version: version, http: filters, mayDie: true, hot: s.hot,
		change: func(b *harness.Bootstrap) {
			b.Extensions = extension
			if s.remote != nil {
				b.ModulesAddress = s.remote.address()
			}
		},
	})
}

// sender returns a filter that puts messages into the queue of the service.
func sender(name, vmID, askFor string) filter {
	return filter{name: name, version: "1", vmID: vmID, module: testfilter.Sender{Queue: "http", VMID: askFor}.Module()}
}

const serviceMessages = "wasmcustom.http_messages"

// A service and the filters of another module meet in the service's queue. A filter finds the queue
// by the vm_id of the service, which is the filter's own vm_id or a parameter of the call. Envoy
// runs the service once, from before any listener opens. Updates of filters do not touch the
// service.
func TestServiceSharesQueuesByVMID(t *testing.T) {
	on(t, every, func(t *testing.T, version string) {
		e := startService(t, version, service{}, "same", "other", "named")
		same := e.xds.stream("same")
		same.ack(sender("same", "shared", "").resource(t))
		e.xds.stream("other").ack(sender("other", "other", "").resource(t))
		e.xds.stream("named").ack(sender("named", "another", "shared").resource(t))
		e.WaitListening(e.ports["same"])
		if a := e.get("same"); a.Header.Get(testfilter.QueueHeader) != "found" {
			t.Errorf("the first request does not find the queue: %v", a.Header)
		}
		e.WaitStat(serviceMessages, 1)
		e.wantHeader("other", testfilter.QueueHeader, "missing")
		e.wantHeader("named", testfilter.QueueHeader, "found")
		e.WaitStat(serviceMessages, 2)

		update := sender("same", "shared", "shared")
		update.version = "2"
		same.ack(update.resource(t))
		e.wantHeader("same", testfilter.QueueHeader, "found")
		e.WaitStat(serviceMessages, 3)
		// One line is of the VM in which Envoy tries the service.
		if n := strings.Count(e.Log(), serviceStarts); n != 2 {
			t.Errorf("the service was configured %d times, not twice", n)
		}
	})
}

// Without singleton, each worker runs the service, too.
func TestServiceOnEachWorker(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := startService(t, version, service{perWorker: true}, "same")
		e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
		e.wantHeader("same", testfilter.QueueHeader, "found")
		e.WaitStat(serviceMessages, 1)
		const workers = 2
		if n := strings.Count(e.Log(), serviceStarts); n != 2+workers {
			t.Errorf("the service was configured %d times, not once for each of %d workers and twice more", n, workers)
		}
	})
}

// An Envoy ends at once if a service does not load, with any failure policy.
func TestServiceThatDoesNotLoadEndsEnvoy(t *testing.T) {
	for _, policy := range []string{"FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"} {
		t.Run(policy, func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				e := startService(t, version, service{policy: policy, receiver: testfilter.Receiver{ConfigureFails: true}})
				<-e.Exited()
				if !strings.Contains(e.Log(), "Unable to create Wasm plugin service") {
					t.Error("Envoy does not say why")
				}
			})
		})
	}
}

// A service that traps is gone until Envoy restarts, with any failure policy. Filters
// still find the queue, and put in messages for nobody.
func TestServiceThatTraps(t *testing.T) {
	for _, policy := range []string{"FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"} {
		t.Run(policy, func(t *testing.T) {
			on(t, newest, func(t *testing.T, version string) {
				e := startService(t, version, service{policy: policy, receiver: testfilter.Receiver{TrapOnMessage: true}}, "same")
				e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
				e.wantHeader("same", testfilter.QueueHeader, "found")
				e.WaitLog("proxy_on_queue_ready failed")
				e.keepsHeader("same", testfilter.QueueHeader, "found")
				if n := strings.Count(e.Log(), serviceStarts); n != 2 {
					t.Errorf("the service was configured %d times, not twice", n)
				}
			})
		})
	}
}

// The code of a service may be remote. Envoy fetches the code first, and opens no listener before
// the service runs.
func TestRemoteCodeOfAService(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		source := startModules(t)
		s := service{remote: source}
		source.put(s.module())
		e := startService(t, version, s, "same")
		e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
		if a := e.get("same"); a.Header.Get(testfilter.QueueHeader) != "found" {
			t.Errorf("the first request does not find the queue: %v", a.Header)
		}
	})
}

// If remote code does not come, Envoy opens its listeners without the service, whatever the failure
// policy, and never tries again.
func TestRemoteCodeOfAServiceThatDoesNotCome(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		source := startModules(t)
		s := service{remote: source}
		e := startService(t, version, s, "same")
		e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
		e.wantHeader("same", testfilter.QueueHeader, "missing")
		if !strings.Contains(e.Log(), "Plugin service failed to load") {
			t.Error("Envoy does not say that the service is missing")
		}
		tries := source.count(s.module())
		source.put(s.module())
		e.keepsHeader("same", testfilter.QueueHeader, "missing")
		if n := source.count(s.module()); n != tries {
			t.Errorf("Envoy has asked for the module %d times, and %d times before it was there", n, tries)
		}
	})
}

// In a hot restart, the next process runs the service of its own bootstrap, and the process before
// keeps its service for the connections that it still has. The queues of both are separate.
func TestHotRestartOfAService(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := startService(t, version, service{hot: true}, "same")
		e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
		e.wantHeader("same", testfilter.QueueHeader, "found")
		// This connection stays with the process.
		kept := &http.Client{Transport: &http.Transport{}}
		t.Cleanup(kept.CloseIdleConnections)
		get := func() string {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+harness.Loopback(e.ports["same"])+"/", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := kept.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, answer.Body) // otherwise the connection is not kept
			if err := errors.Join(err, answer.Body.Close()); err != nil {
				t.Fatal(err)
			}
			return answer.Header.Get(testfilter.QueueHeader)
		}
		if got := get(); got != "found" {
			t.Errorf("before the hot restart, the queue is %q", got)
		}

		bootstrap := e.bootstrap
		bootstrap.Extensions = service{receiver: testfilter.Receiver{Queue: "next"}}.extension(t)
		next := e.HotRestart(bootstrap.YAML(t))
		next.WaitLog(serviceStarts)
		e.xds.stream("same").ack(sender("same", "shared", "").resource(t))
		e.wantHeader("same", testfilter.QueueHeader, "missing")
		if got := get(); got != "found" {
			t.Errorf("on a connection from before the hot restart, the queue is %q", got)
		}
		if n := strings.Count(e.Log(), serviceStarts); n != 2 {
			t.Errorf("the process before has configured its service %d times, not twice", n)
		}
	})
}

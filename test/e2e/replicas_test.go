package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// replicas are control planes on one etcd with the same directory, and an Envoy under load on each.
type replicas struct {
	*scenario // its control plane is the first replica
	etcd      *harness.Etcd
	links     []*harness.Link // to the first member of etcd, one for each replica
	cps       []*harness.ControlPlane
	envoys    []*proxy
	loads     []*traffic
}

// startReplicas starts replicas and Envoys that run the module of the stamp v0.
func startReplicas(t *testing.T, n, members int) *replicas {
	t.Helper()
	t.Parallel()
	r := &replicas{etcd: harness.StartEtcd(t, harness.EtcdOptions{Members: members})}
	r.scenario = &scenario{t: t, dir: filepath.Join(t.TempDir(), "filters"), upstream: harness.StartUpstream(t)}
	r.write(auth, authModule("v0"), "")
	for i := range n {
		endpoints := r.etcd.Endpoints()
		if members == 1 {
			r.links = append(r.links, harness.StartLink(t, r.etcd.Members[0].Address))
			endpoints = r.links[i].Address()
		}
		r.cps = append(r.cps, harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: r.dir, Args: append(
			withoutSandbox(), "--etcd-endpoints", endpoints, "--replica-name", fmt.Sprintf("replica-%d", i),
		)}))
	}
	for _, cp := range r.cps {
		cp.Start()
	}
	for i := range r.cps {
		r.cp = r.cps[i]
		r.envoys = append(r.envoys, r.envoy(proxyOptions{node: fmt.Sprintf("edge-%d", i)}))
	}
	r.cp = r.cps[0]
	for i, envoy := range r.envoys {
		envoy.WaitReady()
		r.waitLive("v0", i)
		r.loads = append(r.loads, r.traffic(envoy.web[0]))
	}
	r.live("v0")
	return r
}

// waitLive waits until the Envoys of some replicas, or of all, run the module of a stamp.
func (r *replicas) waitLive(stamp string, which ...int) {
	r.t.Helper()
	for i, cp := range r.cps {
		if len(which) == 0 || slices.Contains(which, i) {
			sha := harness.SHA256(authModule(stamp))
			cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
				node := fmt.Sprintf("edge-%d", i)
				return slices.ContainsFunc(f.Subscribers, func(s harness.Subscriber) bool {
					return s.Node == node && s.State == harness.Live && f.Module.SHA256 == sha
				})
			})
		}
	}
}

func (r *replicas) live(stamp string) {
	for _, load := range r.loads {
		load.live(stamp)
	}
}

func (r *replicas) end() {
	r.t.Helper()
	for _, load := range r.loads {
		load.end()
	}
}

// leader is the index of the replica that leads.
func (r *replicas) leader() int {
	r.t.Helper()
	name := ""
	if !harness.Poll(r.t.Context(), func() bool {
		name = strings.TrimSpace(r.etcd.Ctl("get", "--prefix", "--print-value-only", "--sort-by=CREATE", "--limit=1", "/wasm-xds/ledger/election/"))
		return name != ""
	}) {
		r.t.Fatal("no replica leads")
	}
	return int(name[len(name)-1] - '0')
}

// An edit goes live on the Envoys of all replicas through one canary. A bad one reaches a single
// Envoy of the whole fleet, and the next good one all of them. Nothing is lost while the replica of
// the leader is killed, and while etcd is away.
func TestReplicas(t *testing.T) {
	r := startReplicas(t, 2, 1)
	r.write(auth, authModule("v1"), "")
	r.waitLive("v1")
	r.live("v1")

	for i, bad := range badModules() {
		before := filterStats(r.envoys)
		r.write(auth, bad.module, "")
		canary := waitRefusal(t, r.envoys, before)
		for _, cp := range r.cps {
			cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil && settled(f) })
		}
		wantOthersSpared(t, r.envoys, before, canary, bad.name)
		stamp := fmt.Sprintf("after-%d", i)
		r.write(auth, authModule(stamp), "")
		r.waitLive(stamp)
		r.live(stamp)
	}
	r.end()
}

// The replica of the canary is killed as soon as its Envoy has refused the bad module, whether or
// not it leads. No other Envoy gets these bytes, also not after the restart, and the next good
// module is live on all.
func TestReplicaOfTheCanaryIsKilled(t *testing.T) {
	r := startReplicas(t, 2, 1)
	for round := range 2 {
		before := filterStats(r.envoys)
		bad := badModules()[round]
		r.write(auth, bad.module, "")
		canary := waitRefusal(t, r.envoys, before)
		r.cps[canary].Kill()
		r.cps[canary].Start()
		for _, cp := range r.cps {
			cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil && settled(f) })
		}
		wantOthersSpared(t, r.envoys, before, canary, bad.name)
		stamp := fmt.Sprintf("after-%d", round)
		r.write(auth, authModule(stamp), "")
		r.waitLive(stamp)
		r.live(stamp)
	}
	r.end()
}

// A command to any replica has its effect on all, and its outcome comes back.
func TestCommandsToAFollower(t *testing.T) {
	r := startReplicas(t, 2, 1)
	follower := r.cps[1-r.leader()]
	r.write(auth, authModule("v1"), "")
	r.waitLive("v1")
	r.live("v1")
	run := func(args ...string) {
		t.Helper()
		args = append(args, "--admin-address", strings.TrimPrefix(follower.AdminURL(), "http://"))
		if out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("rollback", auth)
	r.waitLive("v0")
	r.live("v0")
	r.write(auth, authModule("v2"), "")
	r.waitLive("v2")
	r.live("v2")
	run("freeze", "on", "--reason", "a holiday")
	r.write(auth, authModule("v3"), "")
	for _, cp := range r.cps {
		cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Candidate != "" })
	}
	r.waitLive("v2")
	run("freeze", "off")
	r.waitLive("v3")
	r.live("v3")
	r.end()
}

// The leader is stopped for longer than its lease, and continues: another replica leads, an edit
// goes live on the Envoys of the others, and on those of the stopped one once it continues.
func TestLeaderIsPaused(t *testing.T) {
	r := startReplicas(t, 2, 1)
	leader := r.leader()
	other := 1 - leader
	r.cps[leader].Pause()
	r.write(auth, authModule("v1"), "")
	r.waitLive("v1", other)
	r.loads[other].live("v1")
	r.cps[leader].Resume()
	r.waitLive("v1")
	r.loads[leader].live("v1")
	r.end()
}

// The leader does not reach etcd for longer than its lease, and its Envoys keep what they have.
// Another replica leads, and an edit goes live on the others, and on all once etcd is reached.
func TestLeaderIsCutOffFromEtcd(t *testing.T) {
	r := startReplicas(t, 2, 1)
	leader := r.leader()
	other := 1 - leader
	r.links[leader].Refuse()
	r.cps[leader].WaitLog("the replicas cannot agree")
	r.write(auth, authModule("v1"), "")
	r.waitLive("v1", other)
	r.loads[other].live("v1")
	r.waitLive("v0", leader)
	r.links[leader].Restore()
	r.waitLive("v1")
	r.loads[leader].live("v1")
	r.end()
}

// etcd's own leader is killed, and an edit goes live. While all of etcd is away, Envoys go on and
// an edit waits. It goes live once etcd is back.
func TestEtcdStops(t *testing.T) {
	r := startReplicas(t, 2, 3)
	r.etcd.Leader().Kill()
	r.write(auth, authModule("without-a-leader"), "")
	r.waitLive("without-a-leader")
	r.live("without-a-leader")
	r.etcd.Kill()
	for _, cp := range r.cps {
		cp.WaitLog("the replicas cannot agree")
	}
	before := filterStats(r.envoys)
	r.write(auth, authModule("v1"), "")
	for _, cp := range r.cps {
		if !harness.Poll(t.Context(), func() bool { return strings.Count(cp.Log(), "a filter changed") >= 3 }) {
			t.Fatal("the edit is not read")
		}
	}
	r.cps[0].Kill() // a replica that starts meanwhile serves what it had
	r.cps[0].Start()
	r.waitLive("without-a-leader")
	for i, after := range filterStats(r.envoys) {
		if diff := harness.Diff(before[i], after); diff["update_success"]+diff["config_reload"] > 0 {
			t.Errorf("edge-%d got an update without etcd: %v", i, diff)
		}
	}
	r.etcd.Start()
	r.waitLive("v1")
	r.live("v1")
	r.end()
}

package control

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/findings"
	"github.com/wasm-xds/wasm-xds/internal/fleet"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// newView makes the state, from the files of an earlier process if there are any.
func newView(cfg Config) *report.View {
	known := tags.New(retryPauses())
	v := &report.View{Tags: known, Fleet: fleet.New(), Snapshot: snapshot.New(nil), Published: time.Now(), Signatures: cfg.Signatures}
	v.Specs = track.New(track.Config{
		Tags: known, Verify: cfg.Verify, Delivery: cfg.Delivery, Sandbox: cfg.Examiner != nil, Preflight: cfg.Preflight,
		HostEnv: cfg.HostEnv, Places: runtime.GOMAXPROCS(0), Pauses: retryPauses(),
	})
	var loading sync.WaitGroup
	loading.Go(func() { loadFindings(cfg, &v.Specs.Checks().Known) }) // touches nothing else
	state := persist.Load(cfg.Files, cfg.Logger)
	var epoch [4]byte
	_, _ = rand.Read(epoch[:]) // crypto/rand.Read never fails
	policy := cfg.Policy
	if cfg.Ledger != nil {
		policy.Replica = cfg.Replica.Replica
	}
	policy.Epoch, policy.Substitutes = binary.BigEndian.Uint32(epoch[:]), cfg.StandIns
	v.Machine = delivery.New(policy, state.Memory, time.Now())
	v.Plan.Pins = state.Pins
	known.Restore(state.Namings, state.Tags, v.Machine.Snapshot())
	if remembered := v.Machine.Snapshot(); remembered.Len() > 0 {
		v.Snapshot, v.FromState = remembered, true
	}
	loading.Wait()
	return v
}

// loadFindings reads the saved findings of the same sandbox.
func loadFindings(cfg Config, known *findings.Known) {
	text, err := persist.LoadFindings(cfg.Files)
	if err == nil {
		err = known.Decode(cfg.Sandbox, text)
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, findings.ErrOtherSandbox):
		cfg.Logger.Info("the sandbox is another than before: every filter is tried again")
	default:
		cfg.Logger.Warn("the sandbox's verdicts cannot be read: every filter is tried again", zap.Error(err))
	}
}

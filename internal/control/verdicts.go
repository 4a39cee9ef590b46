package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/examine"
)

const (
	verdictsFile   = "verdicts.json"
	verdictsFormat = 1
	// verdictsEvery is the time between new findings and their save, so that a thousand of them
	// need only a few writes. After a crash, the sandbox repeats the unsaved checks.
	verdictsEvery = time.Second
	// spareVerdicts is how many verdicts are kept without a spec that needs them, so that an edit
	// and its reversal cost no second check.
	spareVerdicts = 2000
)

// verdicts are the sandbox's findings, by [examine.Key]. They belong to one goroutine.
// See docs/RATIONALE.md#why-does-a-new-program-not-believe-the-sandboxs-kept-findings.
type verdicts struct {
	known  map[string]*knownVerdict
	clock  uint64    // rises with each use
	due    time.Time // the time of the next save; zero: none is scheduled
	saving bool
	most   int // the number of verdicts at which forget looks for unneeded ones
}

type knownVerdict struct {
	key string
	examine.Verdict
	used uint64
	text []byte // the encoded verdict; nil: never saved. It belongs to the writer.
}

func (v *verdicts) get(key string) (examine.Verdict, bool) {
	k, ok := v.known[key]
	if !ok {
		return examine.Verdict{}, false
	}
	v.clock++
	k.used = v.clock
	return k.Verdict, true
}

func (v *verdicts) put(key string, verdict examine.Verdict) {
	v.clock++
	v.known[key] = &knownVerdict{key: key, Verdict: verdict, used: v.clock}
}

// forget drops the least recently used verdicts, down to spareVerdicts, once twice as
// many are kept without a need.
func (v *verdicts) forget(needed func(yield func(key string))) {
	if len(v.known) < max(v.most, 2*spareVerdicts) {
		return
	}
	keep := map[string]struct{}{}
	needed(func(key string) { keep[key] = struct{}{} })
	if v.most = len(keep) + 2*spareVerdicts; len(v.known) < v.most {
		return
	}
	var spare []string
	for key := range v.known {
		if _, ok := keep[key]; !ok {
			spare = append(spare, key)
		}
	}
	slices.SortFunc(spare, func(a, b string) int { return cmp.Compare(v.known[b].used, v.known[a].used) })
	for _, key := range spare[min(spareVerdicts, len(spare)):] {
		delete(v.known, key)
	}
}

// savedVerdicts is the file. It has no configurations: a key is a hash.
type savedVerdicts struct {
	Format   int            `json:"format"`
	Sandbox  string         `json:"sandbox"`
	Verdicts []savedVerdict `json:"verdicts"` // must come last; sorted by use, the newest last
}

type savedVerdict struct {
	Key string `json:"key"`
	examine.Verdict
}

// loadVerdicts takes the saved verdicts of the same sandbox.
func (c *Control) loadVerdicts() {
	c.verdicts.known = map[string]*knownVerdict{}
	text, err := c.cfg.Files.Load(verdictsFile)
	var saved savedVerdicts
	if err == nil {
		err = json.Unmarshal(text, &saved)
	}
	if err == nil && saved.Format != verdictsFormat {
		err = fmt.Errorf("format %d", saved.Format)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		c.cfg.Logger.Warn("the sandbox's verdicts cannot be read: every filter is tried again", zap.Error(err))
		return
	case saved.Sandbox != c.cfg.Sandbox:
		c.cfg.Logger.Info("the sandbox is another than before: every filter is tried again")
		return
	}
	for _, one := range saved.Verdicts {
		c.verdicts.put(one.Key, one.Verdict)
	}
}

func (c *Control) saveVerdictsSoon() {
	if c.verdicts.due.IsZero() {
		c.verdicts.due = time.Now().Add(verdictsEvery)
	}
}

// saveVerdicts has the verdicts written by a goroutine of its own.
func (c *Control) saveVerdicts() {
	if c.verdicts.saving {
		return
	}
	c.verdicts.saving, c.verdicts.due = true, time.Time{}
	known := c.usedVerdicts()
	c.workers.Go(func() { c.post(verdictsSaved{c.writeVerdicts(known)}) })
}

func (c *Control) takeVerdictsSaved(err error) {
	c.verdicts.saving = false
	if err != nil {
		c.cfg.Logger.Error("the sandbox's verdicts cannot be saved: a restart tries filters again", zap.Error(err))
	}
}

// usedVerdict is a verdict with a copy of its last use, for the writer.
type usedVerdict struct {
	*knownVerdict
	used uint64
}

func (c *Control) usedVerdicts() []usedVerdict {
	c.verdicts.forget(func(yield func(key string)) {
		for _, e := range c.entries.all {
			yield(e.verdict)
		}
	})
	all := make([]usedVerdict, 0, len(c.verdicts.known))
	for _, k := range c.verdicts.known {
		all = append(all, usedVerdict{k, k.used})
	}
	return all
}

// writeVerdicts does not wait for the disk. A torn file after a power failure is detected by
// its hash, and the checks run again. Writers never run concurrently.
func (c *Control) writeVerdicts(known []usedVerdict) error {
	text, err := verdictsText(c.cfg.Sandbox, known)
	if err != nil {
		return err
	}
	return c.cfg.Files.Write(verdictsFile, text)
}

// verdictsText is the file. Each verdict is encoded once.
func verdictsText(sandbox string, known []usedVerdict) ([]byte, error) {
	slices.SortFunc(known, func(a, b usedVerdict) int { return cmp.Compare(a.used, b.used) })
	head, err := json.Marshal(savedVerdicts{Format: verdictsFormat, Sandbox: sandbox, Verdicts: []savedVerdict{}})
	if err != nil {
		return nil, err
	}
	size := len(head)
	for _, k := range known {
		if k.text == nil {
			if k.text, err = json.Marshal(savedVerdict{k.key, k.Verdict}); err != nil {
				return nil, err
			}
		}
		size += len(k.text) + 1
	}
	const end = "]}"
	text := append(make([]byte, 0, size), head[:len(head)-len(end)]...)
	for i, k := range known {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, k.text...)
	}
	return append(text, end...), nil
}

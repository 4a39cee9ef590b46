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
	// verdictsEvery lies between a verdict and its file: a thousand of them are a few
	// writes, not one each. What a crash forgets is found out again.
	verdictsEvery = time.Second
	// spareVerdicts are how many are kept that no spec needs now: an edit that is taken
	// back costs no check.
	spareVerdicts = 2000
)

// verdicts are what the sandbox has said, by [examine.Key]. They belong to one goroutine.
type verdicts struct {
	known  map[string]*knownVerdict
	clock  uint64    // rises with each use
	due    time.Time // when they are saved; zero: they are
	saving bool
	most   int // how many are known when it is time to look which are needed
}

type knownVerdict struct {
	key string
	examine.Verdict
	used uint64
	text []byte // as it is saved; nil: it never was. It belongs to the writer.
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

// forget drops the verdicts that were not used for longest, once twice as many are kept
// as may be beside those that are needed.
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

// savedVerdicts is the file. It holds no configurations: a key is a hash.
type savedVerdicts struct {
	Format   int            `json:"format"`
	Sandbox  string         `json:"sandbox"`
	Verdicts []savedVerdict `json:"verdicts"` // last, and in it the one that was used last
}

type savedVerdict struct {
	Key string `json:"key"`
	examine.Verdict
}

// loadVerdicts takes what the same sandbox said before.
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

// saveVerdicts has them written by a goroutine of its own.
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

// usedVerdict is a verdict with the time at which it was used last, when somebody looked.
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

// writeVerdicts does not wait for the disk: a file that a power failure has torn is
// found out by its hash, and the verdicts are made again. One at a time does it.
func (c *Control) writeVerdicts(known []usedVerdict) error {
	text, err := verdictsText(c.cfg.Sandbox, known)
	if err != nil {
		return err
	}
	return c.cfg.Files.Write(verdictsFile, text)
}

// verdictsText is the file. Each verdict is put into words once.
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

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
}

type knownVerdict struct {
	examine.Verdict
	used uint64
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
	v.known[key] = &knownVerdict{verdict, v.clock}
}

// forget drops the verdicts that were not used for longest, once twice as many are kept
// as may be beside those that are needed.
func (v *verdicts) forget(needed func(yield func(key string))) {
	keep := map[string]struct{}{}
	needed(func(key string) { keep[key] = struct{}{} })
	if len(v.known) < len(keep)+2*spareVerdicts {
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
	Verdicts []savedVerdict `json:"verdicts"` // the one that was used last comes last
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
	saved := c.savedVerdicts()
	c.workers.Go(func() { c.post(verdictsSaved{c.writeVerdicts(saved)}) })
}

func (c *Control) takeVerdictsSaved(err error) {
	c.verdicts.saving = false
	if err != nil {
		c.cfg.Logger.Error("the sandbox's verdicts cannot be saved: a restart tries filters again", zap.Error(err))
	}
}

func (c *Control) savedVerdicts() savedVerdicts {
	c.verdicts.forget(func(yield func(key string)) {
		for _, e := range c.entries.all {
			yield(e.verdict)
		}
	})
	saved := savedVerdicts{Format: verdictsFormat, Sandbox: c.cfg.Sandbox, Verdicts: make([]savedVerdict, 0, len(c.verdicts.known))}
	for key, k := range c.verdicts.known {
		saved.Verdicts = append(saved.Verdicts, savedVerdict{key, k.Verdict})
	}
	slices.SortFunc(saved.Verdicts, func(a, b savedVerdict) int {
		return cmp.Compare(c.verdicts.known[a.Key].used, c.verdicts.known[b.Key].used)
	})
	return saved
}

// writeVerdicts does not wait for the disk: a file that a power failure has torn is
// found out by its hash, and the verdicts are made again.
func (c *Control) writeVerdicts(saved savedVerdicts) error {
	text, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	return c.cfg.Files.Write(verdictsFile, text)
}

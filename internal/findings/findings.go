// Package findings remembers the sandbox's findings about filters, so each content is tried
// once. The package is pure: [Known] has the findings in memory, and [Encode] and
// [Known.Decode] are the file in which they survive a restart.
//
// The findings are kept by [examine.Key], a hash of everything that the sandbox looks at. No
// configuration is in the file.
package findings

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/examine"
)

const (
	format = 1
	// spare is how many findings are kept without a spec that needs them, so an edit and its
	// reversal cost no second check.
	spare = 2000
)

// ErrOtherSandbox is the error for a file that another sandbox has written: its findings do not
// count.
// See docs/RATIONALE.md#why-does-a-new-program-not-believe-the-sandboxs-kept-findings.
var ErrOtherSandbox = errors.New("another sandbox has made the findings")

// Known are the known findings, by key. The zero value has none. Known belongs to one goroutine.
type Known struct {
	all   map[string]*known
	clock uint64 // rises with each use
	most  int    // the number of findings at which Used looks for unneeded ones
}

type known struct {
	key   string
	found examine.Findings
	used  uint64
	text  []byte // the encoded findings; nil: never saved. It belongs to the writer.
}

// Get returns the findings of a key, and notes their use; nil: they are not known. The findings
// are immutable, and the same pointer until others are put in their place.
func (k *Known) Get(key string) *examine.Findings {
	one := k.all[key]
	if one == nil {
		return nil
	}
	k.clock++
	one.used = k.clock
	return &one.found
}

// Put adds findings, in place of former findings of the key.
func (k *Known) Put(key string, found examine.Findings) {
	if k.all == nil {
		k.all = map[string]*known{}
	}
	k.clock++
	k.all[key] = &known{key: key, found: found, used: k.clock}
}

// Drop removes the findings of a key.
func (k *Known) Drop(key string) { delete(k.all, key) }

// Used is a copy of the findings for [Encode], on another goroutine.
type Used []used

type used struct {
	*known
	used uint64 // when the copy was made
}

// Used returns all findings. If many are kept without a need, Used first drops the least recently
// used ones. needed yields the keys that specs need.
func (k *Known) Used(needed func(yield func(key string))) Used {
	k.trim(needed)
	all := make(Used, 0, len(k.all))
	for _, one := range k.all {
		all = append(all, used{one, one.used})
	}
	return all
}

// trim drops the least recently used findings, down to spare, once twice as many are kept
// without a need.
func (k *Known) trim(needed func(yield func(key string))) {
	if len(k.all) < max(k.most, 2*spare) {
		return
	}
	keep := map[string]struct{}{}
	needed(func(key string) { keep[key] = struct{}{} })
	if k.most = len(keep) + 2*spare; len(k.all) < k.most {
		return
	}
	var others []string
	for key := range k.all {
		if _, ok := keep[key]; !ok {
			others = append(others, key)
		}
	}
	slices.SortFunc(others, func(a, b string) int { return cmp.Compare(k.all[b].used, k.all[a].used) })
	for _, key := range others[min(spare, len(others)):] {
		delete(k.all, key)
	}
}

// file is the text of the file.
type file struct {
	Format   int     `json:"format"`
	Sandbox  string  `json:"sandbox"`
	Verdicts []saved `json:"verdicts"` // must come last; sorted by use, the newest last
}

type saved struct {
	Key string `json:"key"`
	examine.Findings
}

// Encode returns the file of a sandbox's findings. Each of the findings is encoded once. Encode
// must not run twice at the same time.
func Encode(sandbox string, all Used) ([]byte, error) {
	slices.SortFunc(all, func(a, b used) int { return cmp.Compare(a.used, b.used) })
	head, err := json.Marshal(file{Format: format, Sandbox: sandbox, Verdicts: []saved{}})
	if err != nil {
		return nil, err
	}
	size := len(head)
	for _, one := range all {
		if one.text == nil {
			if one.text, err = json.Marshal(saved{one.key, one.found}); err != nil {
				return nil, err
			}
		}
		size += len(one.text) + 1
	}
	const end = "]}"
	text := append(make([]byte, 0, size), head[:len(head)-len(end)]...)
	for i, one := range all {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, one.text...)
	}
	return append(text, end...), nil
}

// Decode adds the findings of a file that the same sandbox has written. The error is
// [ErrOtherSandbox] for a file of another sandbox.
func (k *Known) Decode(sandbox string, text []byte) error {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	if f.Format != format {
		return fmt.Errorf("format %d", f.Format)
	}
	if f.Sandbox != sandbox {
		return ErrOtherSandbox
	}
	for _, one := range f.Verdicts {
		k.Put(one.Key, one.Findings)
	}
	return nil
}

package persist

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// stateText encodes the state, as [json.Marshal] does. The text of each filter is kept: among
// ten thousand filters, a save after an edit encodes only a few. It belongs to the writer of the
// state. The zero value keeps no text.
type stateText struct {
	filters []filterText // in the order of their names
}

type filterText struct {
	of   delivery.FilterMemory
	text []byte
}

// of encodes the state. The state's filters must be sorted by name.
func (t *stateText) of(state State) ([]byte, error) {
	if err := t.keep(state.Memory.Filters); err != nil {
		return nil, err
	}
	state.Memory.Filters = []delivery.FilterMemory{}
	rest, err := json.Marshal(state)
	if err != nil {
		return nil, err
	}
	// The text before the list of filters contains only numbers.
	before, after, _ := bytes.Cut(rest, []byte(`"filters":[]`))
	size := len(rest)
	for i := range t.filters {
		size += len(t.filters[i].text) + 1
	}
	text := append(append(make([]byte, 0, size), before...), `"filters":[`...)
	for i := range t.filters {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, t.filters[i].text...)
	}
	return append(append(text, ']'), after...), nil
}

// keep encodes new and changed filters, and drops the text of all other filters.
func (t *stateText) keep(filters []delivery.FilterMemory) error {
	former, next := t.filters, make([]filterText, len(filters))
	for i, f := range filters {
		for len(former) > 0 && former[0].of.Name < f.Name {
			former = former[1:]
		}
		if len(former) > 0 && sameMemory(former[0].of, f) {
			next[i] = former[0]
			former = former[1:]
			continue
		}
		text, err := json.Marshal(f)
		if err != nil {
			return err
		}
		next[i] = filterText{f, text}
	}
	t.filters = next
	return nil
}

// sameMemory compares pointers to immutable values: filters, revisions and lists of wishes.
func sameMemory(a, b delivery.FilterMemory) bool {
	return a.Name == b.Name && a.Wanted == b.Wanted && a.Stable == b.Stable && a.Type == b.Type && a.Promoted == b.Promoted &&
		a.IdleSince.Equal(b.IdleSince) && a.StableSince.Equal(b.StableSince) && slices.Equal(a.Refused, b.Refused) &&
		slices.Equal(a.Older, b.Older) && sameList(a.Wishes, b.Wishes) && sameList(a.Stops, b.Stops) &&
		(a.Rollout == b.Rollout || reflect.DeepEqual(a.Rollout, b.Rollout))
}

// sameList compares lists that are replaced and never changed.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

package xds

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// namesAtOnce is how many names without a spec delivery gets at once. Each costs the owner of the
// state some ten microseconds.
const namesAtOnce = 64

// splitNames splits subscriptions into those with a spec for their name and those without. If all
// have a spec, the result is the given slice.
func splitNames(all []delivery.Subscription, knows func(name string) bool) (known, unknown []delivery.Subscription) {
	first := slices.IndexFunc(all, func(one delivery.Subscription) bool { return !knows(one.Name) })
	if first < 0 {
		return all, nil
	}
	known = slices.Clone(all[:first])
	for _, one := range all[first:] {
		if knows(one.Name) {
			known = append(known, one)
		} else {
			unknown = append(unknown, one)
		}
	}
	return known, unknown
}

package delivery

import (
	"cmp"
	"slices"
)

// sortedKeys returns a map's keys in order. Unlike slices.Sorted(maps.Keys(m)), the function
// allocates the list at once, and allocates nothing for an empty map.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// swapOut takes the item at a place out of a list that has no order. The last item moves there. The
// memory is freed when most of the list is unused.
func swapOut[T any](list []*T, at int32) []*T {
	last := len(list) - 1
	list[at] = list[last]
	list[last] = nil
	if list = list[:last]; cap(list) > fewKeys && len(list) < cap(list)/4 {
		return slices.Clone(list)
	}
	return list
}

package etcd

import (
	"iter"
	"slices"
)

// ordered is a map that keeps the order in which its keys came. The zero value is empty.
type ordered[K comparable, V any] struct {
	keys   []K
	values map[K]V
}

func (o *ordered[K, V]) size() int { return len(o.keys) }

func (o *ordered[K, V]) get(key K) (V, bool) {
	v, is := o.values[key]
	return v, is
}

// set gives a key a value. A known key keeps its place.
func (o *ordered[K, V]) set(key K, value V) {
	if _, is := o.values[key]; !is {
		o.keys = append(o.keys, key)
		if o.values == nil {
			o.values = map[K]V{}
		}
	}
	o.values[key] = value
}

func (o *ordered[K, V]) remove(key K) {
	if _, is := o.values[key]; is {
		delete(o.values, key)
		o.keys = slices.DeleteFunc(o.keys, func(k K) bool { return k == key })
	}
}

// all goes over the keys in their order. The map must not change meanwhile.
func (o *ordered[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, key := range o.keys {
			if !yield(key, o.values[key]) {
				return
			}
		}
	}
}

// first are the first keys with their values.
func (o *ordered[K, V]) first(most int) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, key := range slices.Clone(o.keys[:min(most, len(o.keys))]) {
			if !yield(key, o.values[key]) {
				return
			}
		}
	}
}

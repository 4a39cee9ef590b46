package signal

import "cmp"

// Limits bound a store. A zero means the default named beside the field.
type Limits struct {
	Names      int // counters of an Envoy: 256
	EnvoyBytes int // bytes of an Envoy's points, and of its names: 32 KiB each
	Bytes      int // of all Envoys: 256 MiB
}

// WithDefaults fills the zero limits.
func (l Limits) WithDefaults() Limits {
	l.Names = min(cmp.Or(l.Names, 256), 1<<15)
	l.EnvoyBytes = cmp.Or(l.EnvoyBytes, 32<<10)
	l.Bytes = cmp.Or(l.Bytes, 256<<20)
	return l
}

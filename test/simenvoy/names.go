package simenvoy

// Names is an immutable list of filter names. Many Envoys can share a list.
type Names struct {
	list  []string
	index map[string]int
	// all is the encoded field resource_names. The first n names end at ends[n].
	all  []byte
	ends []int
}

// NewNames returns a list of the names, which must be distinct.
func NewNames(names ...string) *Names {
	n := &Names{list: names, index: make(map[string]int, len(names)), ends: make([]int, 1, len(names)+1)}
	for i, name := range names {
		n.index[name] = i
		n.all = appendString(n.all, 3, name)
		n.ends = append(n.ends, len(n.all))
	}
	return n
}

// Len returns the number of names.
func (n *Names) Len() int { return len(n.list) }

// first returns the encoded field resource_names of a SotW request for the first count names.
func (n *Names) first(count int) []byte { return n.all[:n.ends[count]] }

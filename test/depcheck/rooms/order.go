package rooms

import "slices"

// Propose puts the package's files into layers with as few upward arrows as a search finds. Without
// cycles there are none, and each file lies as low as possible.
func Propose(p *Package) Layers {
	uses := usesOf(p.Arrows)
	position := map[string]int{}
	for _, component := range components(p.names(), p.Arrows) {
		for _, f := range fewestUpward(component, uses) {
			position[f] = len(position)
		}
	}
	sorted := p.names()
	slices.SortFunc(sorted, func(a, b string) int { return position[a] - position[b] })
	height := map[string]int{}
	var layers Layers
	for _, f := range sorted {
		h := 0
		for to := range uses[f] {
			if position[to] < position[f] {
				h = max(h, height[to]+1)
			}
		}
		height[f] = h
		if h == len(layers) {
			layers = append(layers, nil)
		}
		layers[h] = append(layers[h], f)
	}
	for _, layer := range layers {
		slices.Sort(layer)
	}
	return layers
}

// Cycles returns the groups of at least two files that use each other, directly or through other
// files. The largest group comes first.
func Cycles(p *Package) [][]string {
	var cycles [][]string
	for _, c := range components(p.names(), p.Arrows) {
		if len(c) > 1 {
			cycles = append(cycles, c)
		}
	}
	slices.SortStableFunc(cycles, func(a, b []string) int { return len(b) - len(a) })
	return cycles
}

package rooms

import (
	"fmt"
	"slices"
	"strings"
)

// Check compares a package with its layers and returns the problems: files without a layer, files
// in two layers, names without a file, and arrows that do not go to a lower layer.
func Check(p *Package, layers Layers) []string {
	var problems []string
	height := map[string]int{}
	for i, layer := range layers {
		for _, f := range layer {
			if other, ok := height[f]; ok {
				problems = append(problems, fmt.Sprintf("%s: layers %d and %d both list %s.go", p.Path, other+1, i+1, f))
			}
			height[f] = i
			if !slices.ContainsFunc(p.Files, func(file File) bool { return file.Name == f }) {
				problems = append(problems, fmt.Sprintf("%s: layer %d lists %s.go, which does not exist", p.Path, i+1, f))
			}
		}
	}
	for _, f := range p.names() {
		if _, ok := height[f]; !ok {
			problems = append(problems, fmt.Sprintf("%s: no layer lists %s.go", p.Path, f))
		}
	}
	for _, a := range layers.Upward(p.Arrows) {
		from, to := height[a.From], height[a.To]
		relation := "a higher layer"
		if from == to {
			relation = "the same layer"
		}
		problems = append(problems, fmt.Sprintf("%s/%s.go:%d: uses %s of %s.go, which is in %s: %s.go is in layer %d (%s), %s.go in layer %d (%s)",
			p.Path, a.From, a.Uses[0].Line, a.Uses[0].Object, a.To, relation,
			a.From, from+1, strings.Join(layers[from], " "), a.To, to+1, strings.Join(layers[to], " ")))
	}
	return problems
}

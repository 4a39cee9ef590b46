package rooms

import (
	"fmt"
	"strings"
)

// Layers are the layers of a package from bottom to top. Each names its files.
type Layers [][]string

// ParseLayers reads layers. Blanks separate the files of a layer.
func ParseLayers(lines []string) Layers {
	layers := make(Layers, 0, len(lines))
	for _, line := range lines {
		layers = append(layers, strings.Fields(line))
	}
	return layers
}

// String returns the layers as a table of package depcheck lists them.
func (l Layers) String() string {
	var b strings.Builder
	for _, layer := range l {
		fmt.Fprintf(&b, "\t\t%q,\n", strings.Join(layer, " "))
	}
	return b.String()
}

// Upward returns the arrows that do not go to a lower layer. Files that no layer names are ignored.
func (l Layers) Upward(arrows Arrows) Arrows {
	height := l.heights()
	var upward Arrows
	for _, a := range arrows {
		from, ok := height[a.From]
		to, okTo := height[a.To]
		if ok && okTo && to >= from {
			upward = append(upward, a)
		}
	}
	return upward
}

// heights returns the index of each file's layer.
func (l Layers) heights() map[string]int {
	height := map[string]int{}
	for i, layer := range l {
		for _, f := range layer {
			height[f] = i
		}
	}
	return height
}

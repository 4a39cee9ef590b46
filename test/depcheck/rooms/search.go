package rooms

import (
	"math/rand/v2"
	"slices"
)

func usesOf(arrows Arrows) map[string]map[string]bool {
	uses := map[string]map[string]bool{}
	for _, a := range arrows {
		if uses[a.From] == nil {
			uses[a.From] = map[string]bool{}
		}
		uses[a.From][a.To] = true
	}
	return uses
}

// components returns the strongly connected components, bottom first (Tarjan's algorithm).
func components(files []string, arrows Arrows) [][]string {
	targets := map[string][]string{}
	for _, a := range arrows {
		targets[a.From] = append(targets[a.From], a.To)
	}
	var (
		all     [][]string
		stack   []string
		index   = map[string]int{}
		low     = map[string]int{}
		onStack = map[string]bool{}
		visit   func(string)
	)
	visit = func(f string) {
		index[f] = len(index) + 1
		low[f] = index[f]
		stack, onStack[f] = append(stack, f), true
		for _, to := range targets[f] {
			if index[to] == 0 {
				visit(to)
				low[f] = min(low[f], low[to])
			} else if onStack[to] {
				low[f] = min(low[f], index[to])
			}
		}
		if low[f] != index[f] {
			return
		}
		at := slices.Index(stack, f)
		component := slices.Clone(stack[at:])
		for _, done := range component {
			onStack[done] = false
		}
		stack = stack[:at]
		slices.Sort(component)
		all = append(all, component)
	}
	for _, f := range files {
		if index[f] == 0 {
			visit(f)
		}
	}
	return all
}

// attempts is the number of random orders from which the search starts. More attempts found no
// better order for the packages of this project.
const attempts = 40

// fewestUpward orders the files of one component, bottom first. Finding the minimum is NP-hard, so
// the search moves single files to better places, from several starts. The result is the same in
// each run.
func fewestUpward(files []string, uses map[string]map[string]bool) []string {
	if len(files) == 1 {
		return files
	}
	random := rand.New(rand.NewPCG(1, 2))
	best, fewest := files, -1
	for range attempts {
		order := slices.Clone(files)
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for improve(order, uses) {
		}
		if n := countUpward(order, uses); fewest < 0 || n < fewest {
			best, fewest = order, n
		}
	}
	return best
}

// improve moves each file to its best place, and reports whether the order got better.
func improve(order []string, uses map[string]map[string]bool) bool {
	better := false
	for _, f := range slices.Clone(order) {
		from := slices.Index(order, f)
		// A step past a neighbour g turns g's arrow to f upward or downward, and f's arrow to g.
		best, to, change := 0, from, 0
		for i := from - 1; i >= 0; i-- {
			change += count(uses[f][order[i]]) - count(uses[order[i]][f])
			if change < best {
				best, to = change, i
			}
		}
		change = 0
		for i := from + 1; i < len(order); i++ {
			change += count(uses[order[i]][f]) - count(uses[f][order[i]])
			if change < best {
				best, to = change, i
			}
		}
		if to != from {
			moved := slices.Insert(slices.Delete(slices.Clone(order), from, from+1), to, f)
			copy(order, moved)
			better = true
		}
	}
	return better
}

func countUpward(order []string, uses map[string]map[string]bool) int {
	n := 0
	for i, f := range order {
		for _, above := range order[i+1:] {
			n += count(uses[f][above])
		}
	}
	return n
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

package dir

import "slices"

// interest contains the paths on which the last set depends. All paths are real. A look at
// everything replaces the interest, and a smaller look only adds paths.
type interest struct {
	dirs     map[string]identity // directories to watch
	triggers map[string]struct{} // directories and links on paths; their change causes a look at everything
	trees    map[string][]*node  // directories of specs
	leaves   map[string][]string // referenced files, each with the paths of its references
}

// newInterest returns an empty interest with space for this number of referenced files.
func newInterest(leaves int) *interest {
	return &interest{
		dirs:     map[string]identity{},
		triggers: map[string]struct{}{},
		trees:    map[string][]*node{},
		leaves:   make(map[string][]string, leaves),
	}
}

func (i *interest) addDir(real string, id identity) { i.dirs[real] = id }

func (i *interest) addTrigger(real string) { i.triggers[real] = struct{}{} }

func (i *interest) addTree(n *node) {
	if !slices.Contains(i.trees[n.real], n) {
		i.trees[n.real] = append(i.trees[n.real], n)
	}
}

func (i *interest) addLeaf(real, ref string) {
	if !slices.Contains(i.leaves[real], ref) {
		i.leaves[real] = append(i.leaves[real], ref)
	}
}

// replaceTrees makes these the directories of specs: root and all directories below.
func (i *interest) replaceTrees(root *node) {
	i.trees = map[string][]*node{}
	root.eachNode(i.addTree)
}

// file returns the spec file of a name in a real directory, or nil.
func (i *interest) file(dir, name string) *file {
	for _, n := range i.trees[dir] {
		if f := n.files[name]; f != nil {
			return f
		}
	}
	return nil
}

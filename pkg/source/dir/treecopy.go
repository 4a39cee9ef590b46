package dir

// nodeCopy is a cheap copy of a node and everything below. The tree is built from the copy later.
type nodeCopy struct {
	n     node
	names []string // names of the files
	files []file
	dirs  map[string]nodeCopy
}

func copyOf(n *node) nodeCopy {
	c := nodeCopy{n: *n, names: make([]string, 0, len(n.files)), files: make([]file, 0, len(n.files))}
	for name, f := range n.files {
		c.names, c.files = append(c.names, name), append(c.files, *f)
	}
	if len(n.dirs) > 0 {
		c.dirs = make(map[string]nodeCopy, len(n.dirs))
	}
	for name, sub := range n.dirs {
		c.dirs[name] = copyOf(sub)
	}
	return c
}

func (c nodeCopy) node(parent *node) *node {
	n := &c.n
	n.parent = parent
	n.files = make(map[string]*file, len(c.files))
	for i, name := range c.names {
		n.files[name] = &c.files[i]
	}
	n.dirs = make(map[string]*node, len(c.dirs))
	for name, sub := range c.dirs {
		n.dirs[name] = sub.node(n)
	}
	return n
}

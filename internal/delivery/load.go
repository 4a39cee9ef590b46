package delivery

// Budget names a bound on the names without a spec.
type Budget int

// The budgets.
const (
	NamesBudget Budget = iota // Config.UnknownNames
	BytesBudget               // Config.UnknownBytes
)

// load is a number of names without a spec, and their bytes. Such names come from the network
// alone, and each costs the machine some kilobytes. Names with a spec are not bounded.
type load struct{ names, bytes int }

func (l load) plus(other load, n int) load {
	return load{l.names + n*other.names, l.bytes + n*other.bytes}
}

// of is the part of the load that counts for a budget.
func (l load) of(b Budget) int {
	if b == BytesBudget {
		return l.bytes
	}
	return l.names
}

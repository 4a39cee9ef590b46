package delivery

// class is the order of the pushes on a stream: subscribers that run nothing come first, and
// unproven revisions last. At the very end come revisions another Envoy of the version loads at the
// moment. If many Envoys connect at the same time, each then tries another revision, and all
// revisions are soon known.
type class uint8

const (
	classBare class = iota
	classProven
	classUnproven
	classTriedElsewhere
)

// parking is the reason for which a subscriber waits until its push can be sent.
type parking uint8

const (
	notParked      parking = iota
	parkedProven           // remote code
	parkedUnproven         // a revision not known to load
	parkedShared           // delta: a shared response is outstanding
)

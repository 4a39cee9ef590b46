package delivery

// A push of a resource to 5,000 Envoys takes 5,000 steps or more, and each step needs the same few
// lists. A step leaves them to the next step. TestAllocationsPerPush, TestAllocationsPerSharedPush
// and TestAllocationsOfAStorm notice the loss of any; BenchmarkPush and BenchmarkStorm measure the
// time. Four caches save time and no memory: [verdict.Cache], oldCache, calm, and trial.at.

// fewKeys bounds most of the memory kept for another use. Actions, and other lists with an entry
// for each resource of a large response, may keep someKeys.
const (
	fewKeys  = 64
	someKeys = 512
)

// cleared empties a list for another use, unless it has become longer than most.
func cleared[T any](list []T, most int) []T {
	clear(list)
	if cap(list) > most {
		return nil
	}
	return list[:0]
}

// buffer is a list that is used again and again. The zero value is empty.
type buffer[T any] struct{ list []T }

// take is the empty list. The list must be given back before the next take.
func (b *buffer[T]) take() []T { return b.list[:0] }

// give takes back a list. A list that has become longer than most is not kept.
func (b *buffer[T]) give(list []T, most int) {
	if len(list) == 0 && cap(list) <= cap(b.list) {
		return // it was not used
	}
	b.list = cleared(list, most)
}

// spares has things that are not needed at the moment. The zero value has none.
type spares[T any] struct{ all []T }

// take takes a thing; false: there is none.
func (s *spares[T]) take() (one T, is bool) {
	last := len(s.all) - 1
	if last < 0 {
		return one, false
	}
	one, s.all = s.all[last], s.all[:last]
	return one, true
}

// give keeps a thing, unless there are as many as most.
func (s *spares[T]) give(one T, most int) {
	if len(s.all) < most {
		s.all = append(s.all, one)
	}
}

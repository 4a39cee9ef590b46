package dir

import (
	"runtime"
	"time"
)

// findings are the results of a rescan: the places at which the disk differs from the tree. The
// findings are only hints: a finding may be half done or already known, so the source looks again.
type findings struct {
	since counts
	stop  <-chan struct{} // closed when nobody wants the findings any more
	steps int
	want  *interest // dependencies of the disk's present content; the trees belong to the copy

	differs bool       // a difference that may concern more than single files
	files   []seenFile // changed files
	refs    []seenRef  // changed references
	calm    []seenFile // unchanged files that were read too soon after their last change
	again   []seenFile // files that could not be read; the fault may end without any trace
}

// counts identify a version of the view: the number of looks, and of looks at everything.
type counts struct{ looks, all int }

// seenFile is a spec file in the findings of a rescan. known is the file's former content, or nil
// for a new file.
type seenFile struct {
	dir, name string
	known     *file
}

// seenRef is a referenced file in the findings. known is the former fingerprint.
type seenRef struct{ path, known string }

// goesOn reports whether the rescan continues. Regularly goesOn yields to other goroutines, because
// on one core an edit would otherwise wait for the scheduler's time slice.
func (f *findings) goesOn() bool {
	if f.steps++; f.steps%16 == 0 {
		runtime.Gosched()
	}
	select {
	case <-f.stop:
		return false
	default:
		return true
	}
}

// gone records that a file no longer exists.
func (f *findings) gone(one seenFile) { f.files = append(f.files, one) }

// compare compares a spec file's present stamp with the known file. sameText reads the file, so
// compare calls sameText only if the stamp is not conclusive.
func (f *findings) compare(one seenFile, st stamp, sameText func() bool) {
	now := time.Now()
	switch known := one.known; {
	case known == nil || known.stamp != st:
		f.files = append(f.files, one)
	case known.err != nil:
		f.again = append(f.again, one)
	case !known.racy:
	case !sameText():
		f.files = append(f.files, one)
	case !st.racy(now):
		f.calm = append(f.calm, one)
	}
}

// compareRef compares the present fingerprint of a referenced file with the known fingerprint.
func (f *findings) compareRef(path, known, now string) {
	if now != known {
		f.refs = append(f.refs, seenRef{path, known})
	}
}

// unseen reports whether the tree of want knows no more about a file than the rescan did.
func (s seenFile) unseen(want *interest) bool {
	f := want.file(s.dir, s.name)
	if f == nil || s.known == nil {
		return f == nil && s.known == nil
	}
	return f.stamp == s.known.stamp && f.sum == s.known.sum && equalError(f.err, s.known.err)
}

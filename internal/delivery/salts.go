package delivery

import "maps"

// salts has the present salt of each content. It makes sure that bytes which may have been refused
// are never sent again.
// See docs/RATIONALE.md#why-does-the-server-never-send-refused-bytes-again.
type salts struct {
	epoch   uint32 // makes this process's salts differ from those of every other
	counter uint32 // of the newest salt
	present map[content]string
}

// content names the bytes of a resource, but for the salt.
type content struct {
	revision string
	variant  Variant
}

func newSalts(epoch uint32) *salts { return &salts{epoch: epoch, present: map[content]string{}} }

// of returns the salt for a content. Inline and file contents share theirs, so one resource serves
// all Envoys. The salt of a remote content is the token of the push.
func (s *salts) of(v Version) string {
	c := content{v.Revision, v.Variant}
	if salt, ok := s.present[c]; ok && v.Variant != Remote {
		return salt
	}
	s.make(c)
	return s.present[c]
}

// renew gives the version's content another salt: the present bytes may have been refused.
func (s *salts) renew(v Version) {
	s.make(content{v.Revision, v.Variant})
}

// make gives a content a salt that no content of this process ever had.
func (s *salts) make(c content) {
	s.counter++
	s.present[c] = salt(s.epoch, s.counter)
}

// len is the number of salts.
func (s *salts) len() int { return len(s.present) }

// drop drops the salts of a revision. The next salt will be new.
func (s *salts) drop(revision string) {
	for _, variant := range []Variant{Remote, Inline, File} {
		delete(s.present, content{revision, variant})
	}
}

// prune drops the salts of revisions that are not served any more.
func (s *salts) prune(served func(revision string) bool) {
	maps.DeleteFunc(s.present, func(c content, _ string) bool { return !served(c.revision) })
}

package rollout

// Promote notes that an operator wants the rollout of a revision to go on without the awaited
// nodes. If the revision is the candidate, the present wave passes without its soak, its health and
// its pause. In the first wave one canary of each version is enough, whatever the policy asks for.
func (r *Rollout) Promote(revision, by string, candidate bool) {
	r.suspects.waitNoMore(revision)
	if !candidate {
		return
	}
	w := r.Of(revision)
	if w == nil || w.Wave == 0 {
		r.promoted = revision
	}
	if w != nil {
		w.promote(by)
	}
}

// Retry notes that an operator wants a revision tried again: its suspects are acquitted, and its
// stop ends.
func (r *Rollout) Retry(revision string) {
	r.suspects.dropRevision(revision)
	r.Stops.Drop(revision)
	if w := r.Of(revision); w != nil && !w.IsWatched() {
		r.Done()
	}
}

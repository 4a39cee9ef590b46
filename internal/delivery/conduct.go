package delivery

import "time"

// conduct has the facts that the answers on a stream have shown, or their absence.
type conduct struct {
	answeredAt time.Time // the time of the last answer
	late       int       // the number of outstanding responses without an answer in time
	silent     bool      // takes part in no rollout until the Envoy answers
	singly     bool      // a response of several was refused: each resource goes alone
	readsFiles bool      // this Envoy has read a module's file
	unlisted   bool      // the response accepted last said that more responses follow
}

// answered notes the time of an answer.
func (c *conduct) answered(now time.Time) { c.answeredAt = now }

// due is until when the answer to a response that was sent at that time may take. Envoy takes one
// response after the other, so the time begins with the answer to the response before.
func (c *conduct) due(sent time.Time, wait time.Duration) time.Time {
	if c.answeredAt.After(sent) {
		sent = c.answeredAt
	}
	return sent.Add(wait)
}

// countLate counts late responses.
func (c *conduct) countLate(n int) { c.late += n }

// setSilent says whether the stream takes part in no rollout.
func (c *conduct) setSilent(is bool) { c.silent = is }

// setUnlisted says whether the response accepted last said that more responses follow.
func (c *conduct) setUnlisted(is bool) { c.unlisted = is }

// refusedSeveral has each resource go alone from now on.
func (c *conduct) refusedSeveral() { c.singly = true }

// readFile notes that the Envoy may have read a module's file.
func (c *conduct) readFile(is bool) { c.readsFiles = c.readsFiles || is }

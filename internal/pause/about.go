package pause

import "time"

// About returns a pause plus or minus a tenth, so many servers do not ask at the same time. random
// is in [0, 1).
func About(pause time.Duration, random float64) time.Duration {
	const share = 10
	return pause - pause/share + time.Duration(random*float64(2*pause/share))
}

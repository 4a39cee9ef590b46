package subscription

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRecentForgetsWhatIsUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recent[string]
		used, unused := "used", "unused"
		r.keep(&used)
		r.keep(&unused)
		find := func(s string) bool { return r.first(func(one *string) bool { return *one == s }) != nil }
		for range 4 {
			time.Sleep(idleAfter)
			synctest.Wait()
			if !find(used) {
				t.Fatal("a value in use is forgotten")
			}
		}
		if find(unused) {
			t.Error("a value that nothing uses is kept")
		}
		time.Sleep(3 * idleAfter)
		synctest.Wait()
		if find(used) || r.sweeps {
			t.Error("a value is kept after its last use, or sweeps go on without a value")
		}
	})
}

package resource

import (
	"testing"
	"testing/synctest"
	"time"
)

// Unused resources are dropped, and used ones stay.
func TestResourcesThatNobodyGetsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, a := built100KB(t)
		for range 10 {
			time.Sleep(idleAfter)
			synctest.Wait()
			if b.Cached(a) == nil {
				t.Fatal("a resource that is in use is gone")
			}
		}
		other := a
		other.Version.Revision = "another"
		if _, err := b.Build(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * idleAfter)
		synctest.Wait()
		c := b.cache
		c.mu.Lock()
		if len(c.byKey) != 0 || c.size != 0 || c.order.Len() != 0 || c.sweeps {
			t.Errorf("%d resources of %d bytes are kept, another sweep: %v", c.order.Len(), c.size, c.sweeps)
		}
		c.mu.Unlock()
		if resource, err := b.Build(t.Context(), a); err != nil || resource == nil || b.Cached(a) != resource {
			t.Errorf("built again: %v, %v", resource, err)
		}
		time.Sleep(3 * idleAfter) // nothing is left to run
		synctest.Wait()
	})
}

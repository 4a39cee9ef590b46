package door

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	// claimKept is how long a refused claim is remembered after it was made last.
	claimKept = time.Hour
	// mostCertificates bounds the certificates with refused claims; the certificate with the oldest
	// last claim makes room. mostClaims bounds the remembered and logged claims of a certificate: a
	// client can make up any number of claims.
	mostCertificates = 200
	mostClaims       = 10
)

// claims are the claims that the certificates of clients did not cover. It is safe for concurrent
// use; the zero value has no claim.
type claims struct {
	mu   sync.Mutex
	made map[string]*claimant // by the key of the certificate
}

// claimant has the refused claims of a certificate.
type claimant struct {
	claims map[claimKey]api.ClaimRefusal
	last   time.Time
}

type claimKey struct{ claim, text string }

// note counts a refused claim, and says whether to log it: once for each claim.
func (c *claims) note(certificate string, one api.ClaimRefusal, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[string]*claimant{}
	}
	by := c.made[certificate]
	if by == nil {
		c.makeRoom()
		by = &claimant{claims: map[claimKey]api.ClaimRefusal{}}
		c.made[certificate] = by
	}
	by.last = now
	for key, old := range by.claims {
		if now.Sub(old.Last) > claimKept {
			delete(by.claims, key)
		}
	}
	key := claimKey{one.Claim, one.Text}
	before, known := by.claims[key]
	if !known && len(by.claims) >= mostClaims {
		return false
	}
	one.Count, one.Last = before.Count+1, now
	by.claims[key] = one
	return !known
}

// makeRoom forgets the certificate with the oldest last claim if there are too many.
func (c *claims) makeRoom() {
	if len(c.made) < mostCertificates {
		return
	}
	oldest := ""
	for key, one := range c.made {
		if oldest == "" || one.last.Before(c.made[oldest].last) {
			oldest = key
		}
	}
	delete(c.made, oldest)
}

// recent returns the claims of the last hour, sorted by certificate.
func (c *claims) recent(now time.Time) []api.ClaimRefusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []api.ClaimRefusal{}
	for _, by := range c.made {
		for _, one := range by.claims {
			if now.Sub(one.Last) <= claimKept {
				all = append(all, one)
			}
		}
	}
	slices.SortFunc(all, func(a, b api.ClaimRefusal) int {
		return cmp.Or(cmp.Compare(a.Certificate, b.Certificate), cmp.Compare(a.Claim, b.Claim), cmp.Compare(a.Text, b.Text))
	})
	return all
}

package door

import (
	"fmt"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestClaimsAreLoggedOnce(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var c claims
	for _, tt := range []struct {
		after             time.Duration
		certificate, text string
		logged            bool
	}{
		{0, "a", "one", true},
		{time.Minute, "a", "one", false},
		{time.Minute, "b", "one", true}, // another certificate
		{time.Minute, "a", "two", true}, // another claim
		{time.Hour, "a", "one", false},
		{3 * time.Hour, "a", "one", true}, // forgotten meanwhile
	} {
		if got := c.note(tt.certificate, api.ClaimRefusal{Certificate: tt.certificate, Claim: "node", Text: tt.text}, start.Add(tt.after)); got != tt.logged {
			t.Errorf("%+v: logged: %t", tt, got)
		}
	}
	if all := c.recent(start.Add(3 * time.Hour)); len(all) != 1 || all[0].Count != 1 {
		t.Errorf("%+v", all)
	}
}

// A client that makes up claims fills neither the memory nor the log, and hides no other client.
func TestClaimsAreBounded(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var c claims
	logged := 0
	for i := range 10_000 {
		if c.note("a", api.ClaimRefusal{Certificate: "a", Claim: "node", Text: fmt.Sprint(i)}, start) {
			logged++
		}
	}
	if logged != mostClaims || len(c.recent(start)) != mostClaims {
		t.Errorf("%d claims are logged, %d remembered", logged, len(c.recent(start)))
	}
	if !c.note("b", api.ClaimRefusal{Certificate: "b", Claim: "node", Text: "x"}, start) {
		t.Error("another client is not logged")
	}
	for i := range 3 * mostCertificates {
		key := fmt.Sprintf("%04d", i)
		c.note(key, api.ClaimRefusal{Certificate: key, Claim: "node", Text: "x"}, start.Add(time.Duration(i+1)*time.Second))
	}
	if n := len(c.made); n != mostCertificates {
		t.Errorf("%d certificates are remembered", n)
	}
}

// Package e2e_test runs the built binary against real Envoys, under load.
package e2e_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// toxiproxy leaks these two goroutines if limit_data has cut a connection.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"))
}

// versions returns the Envoy versions of the main scenarios, the default first.
func versions() []string { return []string{"1.40.0", "1.39.3", "1.37.0", "1.36.4"} }

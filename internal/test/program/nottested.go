package program

import "os"

// NotTested ends a test that this machine cannot run, with the reason. In CI, where the variable CI
// is set, the test fails: a check that did not run must not look green.
func NotTested(t interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}, reason string,
) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("NOT TESTED: %s", reason)
	}
	t.Skipf("NOT TESTED: %s", reason)
}

// OutOfReach ends a test with tools from a server that CI may not reach, with the reason. The
// test does not fail in CI either.
func OutOfReach(t interface {
	Helper()
	Skipf(format string, args ...any)
}, reason string,
) {
	t.Helper()
	t.Skipf("NOT TESTED, here and in CI: %s", reason)
}

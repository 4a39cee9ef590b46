package api

// Content has the settings, the resource and the tests of a filter, as GET
// /api/v1/filters/{name}/content answers. The values of configurations and variables are hidden.
type Content struct {
	Name     string `json:"name"`
	Revision string `json:"revision"` // the served revision, which Settings and Resource describe; "": none
	SpecFile string `json:"specFile"` // "": no spec
	// Settings are the settings of the spec, each as a key and its value. It is never null.
	Settings []string `json:"settings"`
	// Resource is the TypedExtensionConfig for an Envoy of the version in Envoy, in Envoy's own
	// field names, with the module in the form of Variant. Zeros stand for the salt, and inline
	// bytes are their length and sha256. Empty: no revision is served.
	Resource map[string]any `json:"resource"`
	Envoy    string         `json:"envoy"`   // the version of most Envoys that ask for the filter; "": no Envoy asks
	Variant  string         `json:"variant"` // remote, inline or file
	// Tests are those of the spec, with their results in the sandbox. It is never null.
	Tests []TestResult `json:"tests"`
}

// TestOutcome is the outcome of a test of a spec.
type TestOutcome string

// The outcomes of tests. Later versions may add more.
const (
	TestPassed  TestOutcome = "passed"
	TestFailed  TestOutcome = "failed"
	TestRunning TestOutcome = "running" // the sandbox has not tried the newest content yet
	TestNotRun  TestOutcome = "not_run" // the sandbox is off, or the module does not load
)

// TestResult is a test of a spec, with its result for the newest content.
type TestResult struct {
	Name    string      `json:"name"`
	Outcome TestOutcome `json:"outcome"`
	Error   *Error      `json:"error"` // why the test failed; null: it has not failed
}

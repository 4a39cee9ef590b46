package bundled

// The codes of the errors of a look, in addition to the origin's own codes.
const (
	CodeBroken     = "bundle_broken"      // no bundle, or an invalid bundle
	CodeRefused    = "bundle_refused"     // a spec in the bundle has an error
	CodeIncomplete = "bundle_incomplete"  // bytes are missing or do not match their digest
	CodeKeepFailed = "bundle_keep_failed" // an error of this machine's disk
)

package translate

import (
	"fmt"
	"regexp"
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
)

// Version is an Envoy's version. The zero value is unknown.
type Version struct{ Major, Minor, Patch int }

var versionText = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:[-+/ ].*)?$`)

// ParseVersion reads a version such as 1.40.0, v1.40 or 1.41.0-dev, whose suffix
// is not kept. It reports false, and an unknown version, for anything else.
func ParseVersion(text string) (Version, bool) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return Version{}, false
	}
	var numbers [3]int
	for i := range numbers {
		if digits := m[i+1]; digits != "" {
			// At most four digits: they always convert.
			numbers[i], _ = strconv.Atoi(digits)
		}
	}
	v := Version{Major: numbers[0], Minor: numbers[1], Patch: numbers[2]}
	return v, v.Known()
}

// VersionOf is what a node says of itself, and unknown when it says nothing.
func VersionOf(node *corev3.Node) Version {
	number := node.GetUserAgentBuildVersion().GetVersion()
	v := Version{
		Major: int(number.GetMajorNumber()),
		Minor: int(number.GetMinorNumber()),
		Patch: int(number.GetPatch()),
	}
	if !v.Known() {
		v, _ = ParseVersion(node.GetUserAgentVersion())
	}
	return v
}

// Known reports whether the version is not the zero value.
func (v Version) Known() bool { return v != Version{} }

// String is 1.40.0, or "unknown".
func (v Version) String() string {
	if !v.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Less orders versions by age; unknown comes before all others.
func (v Version) Less(other Version) bool {
	switch {
	case v.Major != other.Major:
		return v.Major < other.Major
	case v.Minor != other.Minor:
		return v.Minor < other.Minor
	default:
		return v.Patch < other.Patch
	}
}

// has reports whether an Envoy has a field that came with major.minor. Of an
// Envoy that hides its version it is assumed: those in use have the field, and
// where both are possible the caller asks [Version.Known] too.
func (v Version) has(major, minor int) bool {
	return !v.Known() || !v.Less(Version{Major: major, Minor: minor})
}

// Compat names the dialect of a version: two versions of one dialect get the
// same bytes for the same revision, code and salt.
func Compat(v Version) string {
	switch {
	case !v.Known():
		return "unknown"
	case v.has(1, 40):
		return "1.40"
	case v.has(1, 35):
		return "1.35"
	case v.has(1, 33):
		return "1.33"
	default:
		return "pre-1.33"
	}
}

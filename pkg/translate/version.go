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

// ParseVersion reads a version like 1.40.0, v1.40 or 1.41.0-dev, and drops the suffix. For any
// other text the result is an unknown version and false.
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

// VersionOf returns the version in a node message, or an unknown version.
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

// String returns 1.40.0, or "unknown".
func (v Version) String() string {
	if !v.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Less orders versions by age; unknown comes first.
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

// has reports whether an Envoy has a field that came with major.minor. For an Envoy of unknown
// version the answer is true, because Envoys in use have the field. If both answers are possible,
// the caller also asks [Version.Known].
func (v Version) has(major, minor int) bool {
	return !v.Known() || !v.Less(Version{Major: major, Minor: minor})
}

// Compat returns the dialect of a version. Versions of one dialect get the same bytes for the same
// revision, code and salt.
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

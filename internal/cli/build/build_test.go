package build

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuildOf(t *testing.T) {
	recorded := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{
			Main: debug.Module{Version: version}, Settings: settings,
			Deps: []*debug.Module{{Path: "github.com/envoyproxy/go-control-plane", Version: "v0.14.0"}},
		}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "c0ffee"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for name, c := range map[string]struct {
		version, commit string
		info            *debug.BuildInfo
		want            Info
	}{
		"make, at a tag":       {"v1.2.3", "beef", recorded("v1.2.3", revision), Info{Version: "v1.2.3", Commit: "beef"}},
		"make, with changes":   {"v1.2.3-dirty", "beef", recorded("v1.2.3+dirty", modified), Info{Version: "v1.2.3-dirty", Commit: "beef", Modified: true}},
		"make, without a tag":  {"", "beef", recorded("v0.0.0-2026-c0ffee"), Info{Version: "v0.0.0-2026-c0ffee", Commit: "beef"}},
		"go install":           {"", "", recorded("v1.2.3"), Info{Version: "v1.2.3"}},
		"go build, in git":     {"", "", recorded("v1.2.4-0.2026-c0ffee", revision), Info{Version: "v1.2.4-0.2026-c0ffee", Commit: "c0ffee"}},
		"go build, without it": {"", "", recorded("(devel)"), Info{Version: "(devel)"}},
		"a test's binary":      {"", "", recorded(""), Info{Version: "(devel)"}},
		"nothing recorded":     {"", "", nil, Info{Version: "(devel)"}},
	} {
		c.want.Go, c.want.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
		if c.info != nil {
			c.want.GoControlPlane = "v0.14.0"
		}
		if got := buildOf(c.version, c.commit, c.info); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

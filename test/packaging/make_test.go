package packaging

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2"

// packagedBinary is the path of the program in the packages.
func packagedBinary() string {
	return filepath.Join(program.Repository(), "bin", "test", "wasm-xds-packaged")
}

// buildContents makes the files of the packages.
func buildContents(t *testing.T) {
	t.Helper()
	extras := filepath.Join(program.Repository(), "packaging", "generated")
	if err := WriteExtras(extras, program.Repository(), time.Unix(0, 0).UTC()); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "make", "--silent", "build", "BINARY="+packagedBinary())
}

// makePackages makes packages, one for each version, and returns their paths.
func makePackages(t *testing.T, format string, versions ...string) []string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(program.Repository(), ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, version := range versions {
		config, err := NFPMConfig(text, Package{Version: version, Arch: runtime.GOARCH, Binary: packagedBinary(), Quick: true, Date: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "nfpm-"+version+".yaml")
		if err := os.WriteFile(name, config, 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "wasm-xds_"+version+"."+format)
		run(t, nil, "go", "run", nfpm, "package", "--config", name, "--packager", format, "--target", path)
		paths = append(paths, path)
	}
	return paths
}

// dials counts the connections to an address, and the refused ones.
type dials struct {
	all, refused int
	example      error
}

// dial connects to an address again and again, until the test or the returned function ends. The
// kernel keeps 4096 connections for a server that is away, so there is a pause between two.
func dial(t *testing.T, network, address string) (stop func() dials) {
	ctx, cancel := context.WithCancel(t.Context())
	var d dials
	var done sync.WaitGroup
	done.Go(func() {
		pause := time.NewTicker(5 * time.Millisecond)
		defer pause.Stop()
		for ctx.Err() == nil {
			<-pause.C
			c, err := net.Dial(network, address)
			d.all++
			if err != nil {
				d.refused, d.example = d.refused+1, err
				continue
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
	return func() dials {
		cancel()
		done.Wait()
		return d
	}
}

func (d dials) mustBeTaken(t *testing.T, what string) {
	t.Helper()
	t.Logf("%s: %d connections, %d refused", what, d.all, d.refused)
	if d.all == 0 || d.refused > 0 {
		t.Errorf("%s: %d of %d connections were refused: %v", what, d.refused, d.all, d.example)
	}
}

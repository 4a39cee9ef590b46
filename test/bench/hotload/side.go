package hotload

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// body is the value of side.header for the body that the Rust example sends with a denial.
const body = "body"

// ldsSide is a listener from a file with the filter inside.
const ldsSide = "lds"

// side is one way to deliver a module to Envoy.
type side struct {
	name   string // of the filter
	port   int
	header string // answer header with the running version, or body; "": [harness.StampHeader]
	// prepare writes all files of a swap. Only the rename is left.
	prepare func(module []byte, n int) (suite.Replacement, error)
}

// swap renames a new module into place and waits for the first answer.
func (d *side) swap(ctx context.Context, module func(stamp string) []byte, n int) (time.Duration, error) {
	want := stamp(d.name, n)
	ready, err := d.prepare(module(want), n)
	if err != nil {
		return 0, err
	}
	// Work left over from the last swap (the state file, the old VM) must not count.
	if err := suite.Rest(ctx, 200*time.Millisecond); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := ready.Rename(); err != nil {
		return 0, err
	}
	return d.await(ctx, start, want)
}

func (d *side) await(ctx context.Context, start time.Time, want string) (time.Duration, error) {
	err := suite.Await(ctx, d.port, want, func(a harness.Answer) bool { return d.shows(a) == want })
	return time.Since(start), err
}

// shows returns the running filter's version from an answer.
func (d *side) shows(answer harness.Answer) string {
	if d.header == body {
		return strings.TrimRight(answer.Body, " .\n")
	}
	return answer.Header.Get(cmp.Or(d.header, harness.StampHeader))
}

func figure(delivery string) string { return "`delivery: " + delivery + "`" }

func stamp(side string, n int) string { return fmt.Sprintf("%s-%04d", side, n) }

func modulePath(dir, side string, n int) string {
	return filepath.Join(dir, "modules", fmt.Sprintf("%s-%d.wasm", side, n))
}

// deliveries returns the delivery modes of wasm-xds. Each is a side of the same name.
func deliveries() []string { return []string{"inline", "file", "remote"} }

// ours is the side with a spec in the directory.
func ours(dir, delivery string) *side {
	d := &side{name: delivery}
	d.prepare = func(module []byte, n int) (suite.Replacement, error) {
		path := modulePath(dir, delivery, n)
		if err := os.WriteFile(path, module, 0o644); err != nil {
			return suite.Replacement{}, err
		}
		return suite.Prepare(filepath.Join(dir, delivery+".yaml"),
			fmt.Appendf(nil, "name: %s\nmodule: {file: %s}\ndelivery: %s\n", delivery, path, delivery))
	}
	return d
}

const filesystemSide = "filesystem"

// responseFile returns the discovery response's path. Envoy watches the file's directory, which
// has no other files.
func responseFile(dir string) string { return filepath.Join(dir, "..", "ecds", "response.json") }

// filesystem is the side with Envoy's filesystem ECDS.
func filesystem(dir string) *side {
	d := &side{name: filesystemSide}
	d.prepare = func(module []byte, n int) (suite.Replacement, error) {
		if err := os.MkdirAll(filepath.Dir(responseFile(dir)), 0o755); err != nil {
			return suite.Replacement{}, err
		}
		path := modulePath(dir, filesystemSide, n)
		if err := os.WriteFile(path, module, 0o644); err != nil {
			return suite.Replacement{}, err
		}
		return suite.Prepare(responseFile(dir), response(filesystemSide, path, ""))
	}
	return d
}

// response returns the resource as wasm-xds sends it, except for the place of the code.
func response(name, module, config string) []byte {
	return fmt.Appendf(nil, `{"resources": [{
  "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
  "name": %q,
  "typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
    "config": {
      "name": %q,
      "failure_policy": "FAIL_CLOSED",
      "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": %q},
      "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": %q}}}
    }
  }
}]}
`, name, name, config, module)
}

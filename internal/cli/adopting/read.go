package adopting

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// typeListener is the type of the resources in a file for LDS.
const typeListener = "envoy.config.listener.v3.Listener"

// read reads a bootstrap, or a file with listeners.
func read(path string) (adopt.Input, *spec.Error) {
	text, problem := open(path)
	if problem != nil {
		return adopt.Input{}, problem
	}
	file, problem := envoyconfig.Parse(path, text)
	if problem != nil {
		return adopt.Input{}, problem
	}
	listeners := hasListeners(file)
	root := path
	if listeners {
		root = bootstrapOf // a file with listeners has no bootstrap here: one that names the file takes its place
	}
	config, problem := envoyconfig.Read(root, func(name string) ([]byte, *spec.Error) {
		switch name {
		case bootstrapOf:
			return fmt.Appendf(nil, "dynamic_resources: {lds_config: {path_config_source: {path: %q}}}", path), nil
		case path:
			return text, nil
		default:
			return open(name)
		}
	})
	if problem != nil {
		return adopt.Input{}, problem
	}
	in := adopt.Input{Config: config, File: config.Files[0], ListenersOnly: listeners}
	if listeners {
		in.File = config.Files[1]
	} else if !isBootstrap(file) {
		return in, &spec.Error{
			Code: "no_bootstrap", Message: "this is neither an Envoy bootstrap nor a file with listeners",
			Hint: "name the file that Envoy gets with -c, or a file of its lds_config", Pos: file.Root.Pos(),
		}
	}
	return in, nil
}

// bootstrapOf is the name of a missing bootstrap.
const bootstrapOf = "a bootstrap"

// hasListeners says whether a file is for Envoy's LDS.
func hasListeners(f *envoyconfig.File) bool {
	for _, n := range f.Root.All("resources") {
		if name, _ := n.Any(); name == typeListener {
			return true
		}
		if name, _ := n.Any("resource"); name == typeListener {
			return true
		}
	}
	return false
}

func isBootstrap(f *envoyconfig.File) bool {
	for _, field := range []string{"static_resources", "dynamic_resources", "node", "admin"} {
		if f.Root.Get(field) != nil {
			return true
		}
	}
	return false
}

// open reads a file of the configuration.
func open(path string) ([]byte, *spec.Error) {
	text, err := regular.Read(path, envoyconfig.MaxFileSize)
	if err != nil {
		return nil, &spec.Error{
			Code: "cannot_read", Message: "the file cannot be read: " + reason.Of(err),
			Hint: "name the file that Envoy gets with -c", Pos: spec.Position{File: path},
		}
	}
	return text, nil
}

// specsIn returns the types of the specs in a directory. A missing directory has none, and broken
// specs do not matter here.
func specsIn(ctx context.Context, dir string) map[string]spec.Type {
	known := map[string]spec.Type{}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return known
	}
	for _, s := range load.Paths(ctx, []string{dir}, nil).Specs {
		known[s.Name] = s.Type
	}
	return known
}

// extension is the extension of a path, without which Envoy takes a file for YAML.
func extension(path string) string {
	if strings.HasSuffix(path, ".json") {
		return ".json"
	}
	return ".yaml"
}

package eject

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// The places in the directory.
const (
	BootstrapFile = "bootstrap.yaml"
	FiltersDir    = "filters"
	ModulesDir    = "modules"
)

// File is a file of the directory. Path is relative, and separated by slashes.
type File struct {
	Path string
	Data []byte
}

// Target says for which Envoy the files are.
type Target struct {
	// Dir is the absolute path of the directory as Envoy sees it.
	Dir string
	// Version is the Envoy's version. The zero value makes files for all versions in use.
	Version translate.Version
	// Bootstrap has the addresses and the node of the bootstrap. Files sets the filters.
	Bootstrap bootstrap.Options
}

// ErrNothing is the error for a plan without a filter.
var ErrNothing = errors.New("there is no filter to eject")

// Filters returns the files with the filters, in the order of the plan. A service has none: it
// stands in the bootstrap.
func (p Plan) Filters(to Target) ([]File, error) {
	files := make([]File, 0, len(p.Revisions))
	for _, r := range p.Revisions {
		if r.Type == spec.Service {
			continue
		}
		text, err := response(r, to)
		if err != nil {
			return nil, err
		}
		files = append(files, File{FilterPath(r.Filter), text})
	}
	return files, nil
}

// Bootstrap returns the bootstrap that names the files.
func (p Plan) Bootstrap(to Target) (File, error) {
	if len(p.Revisions) == 0 {
		return File{}, ErrNothing
	}
	o := to.Bootstrap
	o.Filters, o.FilterFiles = nil, map[string]string{}
	for _, r := range p.Revisions {
		if r.Type == spec.Service {
			config, err := translate.ServiceYAML(r, path.Join(to.Dir, ModulePath(r.Module.SHA256)))
			if err != nil {
				return File{}, err
			}
			o.Services = append(o.Services, bootstrap.Service{Name: r.Filter, Revision: r.ID, Config: config})
			continue
		}
		o.Filters = append(o.Filters, bootstrap.Filter{Name: r.Filter, Type: r.Type})
		o.FilterFiles[r.Filter] = path.Join(to.Dir, FilterPath(r.Filter))
	}
	var out bytes.Buffer
	err := bootstrap.Render(&out, o)
	return File{BootstrapFile, out.Bytes()}, err
}

// PathOf is the path of the file with a revision. A service stands in the bootstrap.
func PathOf(r *snapshot.Revision) string {
	if r.Type == spec.Service {
		return BootstrapFile
	}
	return FilterPath(r.Filter)
}

// FilterPath is the path of a filter's file. Different names have different paths.
func FilterPath(name string) string {
	file := strings.ReplaceAll(url.PathEscape(name), ":", "%3A")
	if len(file) > mostName {
		sum := sha256.Sum256([]byte(name))
		file = file[:mostName-len(sum)*2] + hex.EncodeToString(sum[:])
	}
	return FiltersDir + "/" + file + ".json"
}

// mostName keeps the name of a file below 255 bytes, the limit of usual file systems.
const mostName = 200

// ModulePath is the path of a module's file.
func ModulePath(sha256 string) string { return ModulesDir + "/" + sha256 + ".wasm" }

// response is a filter's file: the answer of a control plane with one resource.
func response(r *snapshot.Revision, to Target) ([]byte, error) {
	code := translate.Code{Variant: translate.File, Path: path.Join(to.Dir, ModulePath(r.Module.SHA256))}
	resource, err := translate.Resource(r, code, strings.Repeat("0", translate.SaltLen), to.Version)
	if err != nil {
		return nil, err
	}
	if err := withoutSalt(resource); err != nil {
		return nil, fmt.Errorf("filter %q: %w", r.Filter, err)
	}
	packed, err := anypb.New(resource)
	if err != nil {
		return nil, err
	}
	answer := &discoveryv3.DiscoveryResponse{VersionInfo: r.ID, TypeUrl: packed.TypeUrl, Resources: []*anypb.Any{packed}}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer // protojson's blanks differ from build to build
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// withoutSalt removes the field that makes the bytes of two pushes differ: a file needs none.
func withoutSalt(resource *corev3.TypedExtensionConfig) error {
	config, err := resource.TypedConfig.UnmarshalNew()
	if err != nil {
		return err
	}
	filter, ok := config.(interface {
		GetConfig() *wasmv3.PluginConfig
	})
	if !ok {
		return fmt.Errorf("%T is no Wasm filter", config)
	}
	filter.GetConfig().GetVmConfig().GetCode().GetLocal().WatchedDirectory = nil
	return resource.TypedConfig.MarshalFrom(config)
}

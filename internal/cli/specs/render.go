package specs

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// renderOptions are the flags of render.
type renderOptions struct {
	from     fetch.Flags
	version  string
	full     bool
	delivery spec.Delivery // "": as the specs say
	// These are of the module server, as in serve.
	address, cluster, url, dirInEnvoy string
	output                            *string
}

// These values stand for the real salt and the real inline bytes.
var (
	noSalt      = strings.Repeat("0", translate.SaltLen)
	placeholder = []byte("the module's bytes")
)

func newRender() *cobra.Command {
	var o renderOptions
	c := &cobra.Command{
		Use:   "render PATH|oci://BUNDLE...",
		Short: "Print the TypedExtensionConfig that an Envoy would get",
		Long: `Render prints, for each spec, the resource as an Envoy of the given version gets
it over ECDS. The plugin configuration is in it. It needs no running server. For a
service, which no control plane can deliver, it prints the entry of bootstrap_extensions.

An Envoy that does not run the filter yet gets the module inline first, whatever
the delivery: see --delivery inline.`,
		Example: `  wasm-xds render auth.yaml
  wasm-xds render auth.yaml --delivery inline --envoy-version 1.36.4 -o json`,
		Args: command.Arguments(1, -1, "a spec file or a directory, or a bundle"),
	}
	f := c.Flags()
	command.ChoiceFlag(c, &o.delivery, command.Deliveries(), "delivery", "render as if the specs said this: remote, inline or file (default what they say, or remote)")
	f.StringVar(&o.version, "envoy-version", "1.40.0", "`version` of the Envoy that it is for")
	f.BoolVar(&o.full, "full", false, "print inline modules in full")
	command.Action(f, "full")
	f.StringVar(&o.address, "modules-address", command.DefaultModulesAddress, "`host:port` or unix:///path that modules are fetched from")
	f.StringVar(&o.cluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the Envoy cluster that reaches it")
	f.StringVar(&o.url, "modules-url", "", "`URL` of it as Envoy sees it (default http:// and the address)")
	f.StringVar(&o.dirInEnvoy, "modules-dir-in-envoy", "/modules", "`path` of the module store as Envoy sees it")
	o.from.AddFlags(f)
	o.from.Roots.AddFlags(f)
	o.output = command.OutputFlag(c, "yaml", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		version, err := o.validate(c)
		if err != nil {
			return err
		}
		return load.WithStore(func(store *module.Store) error { return o.run(c, args, store, version) })
	}
	return c
}

// validate returns the version of Envoy.
func (o *renderOptions) validate(c *cobra.Command) (translate.Version, error) {
	version, ok := translate.ParseVersion(o.version)
	if !ok {
		return version, command.Usage(c, fmt.Sprintf("invalid --envoy-version %q: it is like 1.40.0", o.version))
	}
	if err := command.CheckPort(o.address); err != nil {
		return version, command.Usage(c, fmt.Sprintf("invalid --modules-address %q: %s", o.address, err))
	}
	if err := command.CheckModulesURL(&o.url); err != nil {
		return version, command.Usage(c, fmt.Sprintf("invalid --modules-url %q: %s", o.url, err))
	}
	if err := o.from.Trust.Validate(); err != nil {
		return version, command.Usage(c, err.Error())
	}
	return version, nil
}

// run prints the resources of the specs without a problem, and then the problems.
func (o *renderOptions) run(c *cobra.Command, paths []string, store *module.Store, version translate.Version) error {
	docs, done, err := load.Sources(c.Context(), paths, &o.from, c.ErrOrStderr())
	defer done()
	if err != nil {
		return err
	}
	good, err := docs.Resolve(c.Context(), store, o.from)
	if err != nil {
		return err
	}
	var resources []json.RawMessage
	for _, one := range good {
		text, err := o.render(one, store, version)
		if err != nil {
			return fmt.Errorf("render %s: %w", one.Spec.Name, err)
		}
		resources = append(resources, text)
	}
	if err := printResources(c.OutOrStdout(), resources, *o.output); err != nil {
		return err
	}
	return trial.PrintProblems(c.ErrOrStderr(), docs.Errors, *o.output == "json")
}

// render returns the resource as JSON, in Envoy's own field names.
func (o *renderOptions) render(one load.Resolved, store *module.Store, version translate.Version) (json.RawMessage, error) {
	if one.Spec.Type == spec.Service {
		return o.renderService(one)
	}
	code, err := o.code(one, store)
	if err != nil {
		return nil, err
	}
	resource, err := translate.Resource(one.Revision, code, noSalt, version)
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(resource)
	if err != nil {
		return nil, err
	}
	if code.Variant == translate.Inline && !o.full {
		m := one.Revision.Module
		short := fmt.Sprintf("<%d bytes with sha256 %s, see --full>", m.Size, m.SHA256)
		text = bytes.Replace(text, []byte(base64.StdEncoding.EncodeToString(placeholder)), []byte(short), 1)
	}
	return tidy(text)
}

// renderService returns the entry of bootstrap_extensions for a service. No version of Envoy and no
// delivery changes it.
func (o *renderOptions) renderService(one load.Resolved) (json.RawMessage, error) {
	extension, err := translate.Extension(one.Revision, filepath.Join(o.dirInEnvoy, one.Revision.Module.SHA256+".wasm"))
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(extension)
	if err != nil {
		return nil, err
	}
	return tidy(text)
}

// tidy removes the blanks of protojson, which differ from build to build.
func tidy(text []byte) (json.RawMessage, error) {
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (o *renderOptions) code(one load.Resolved, store *module.Store) (translate.Code, error) {
	file := one.Revision.Module.SHA256 + ".wasm"
	switch cmp.Or(o.delivery, one.Spec.Delivery, spec.Remote) {
	case spec.Inline:
		if !o.full {
			return translate.Code{Variant: translate.Inline, Bytes: placeholder}, nil
		}
		text, err := store.Read(one.Revision.Module.SHA256)
		return translate.Code{Variant: translate.Inline, Bytes: text}, err
	case spec.File:
		return translate.Code{Variant: translate.File, Path: filepath.Join(o.dirInEnvoy, file)}, nil
	default:
		base := o.url
		if base == "" {
			at, err := address.Parse(o.address)
			if err != nil {
				return translate.Code{}, err
			}
			base = at.URL()
		}
		return translate.Code{Variant: translate.Remote, URL: base + "/modules/" + file, Cluster: o.cluster}, nil
	}
}

func printResources(w io.Writer, resources []json.RawMessage, format string) error {
	if format == "json" {
		if resources == nil {
			resources = []json.RawMessage{}
		}
		display.JSON(w, resources)
		return nil
	}
	for i, text := range resources {
		asYAML, err := yaml.JSONToYAML(text)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		_, _ = w.Write(asYAML) // a closed output is not reported
	}
	return nil
}

package specs

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newVerify() *cobra.Command {
	var from fetch.Flags
	var attestations []string
	c := &cobra.Command{
		Use:   "verify PATH|MODULE|oci://IMAGE...",
		Short: "Show who has signed modules, and what is attested",
		Long: `Verify looks at all signatures and attestations of modules, and shows by whom each of them is,
when it was made, and which transparency log has it. It shows why a signature does not count,
too. The argument is a spec file or a directory, whose modules must be signed as
module.verify says, or a Wasm file, or an image or bundle in a registry.

--verify-key, --verify-identity and --attestation say what all of them must have. Without
them and module.verify, verify only shows what is there. It asks nothing but the registry, and
exits with 1 when something is missing.`,
		Example: `  wasm-xds verify filters/
  wasm-xds verify oci://ghcr.io/team/auth:1.4 --verify-key cosign.pub
  wasm-xds verify oci://ghcr.io/team/auth:1.4 --trusted-root trusted_root.json \
    --verify-identity subject=team@example.com,issuer=https://accounts.google.com
  wasm-xds verify filters/ -o json | jq '.modules[].checks[].found'`,
		Args: command.Arguments(1, -1, "a spec file, a directory, a Wasm file or an image"),
	}
	output := command.OutputFlag(c, "text", "json")
	from.AddFlags(c.Flags())
	c.Flags().StringArrayVar(&attestations, "attestation", nil,
		"`type` of an attestation that every module must have, as in a spec, by a signer of --verify-key or --verify-identity; several times for several")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := from.Trust.Validate(); err != nil {
			return command.Usage(c, err.Error())
		}
		if err := from.Trust.Attest(attestations); err != nil {
			return command.Usage(c, err.Error())
		}
		v := verifying{OK: true, Modules: []verified{}, Errors: []*api.Error{}}
		if err := v.run(c.Context(), args, from); err != nil {
			return err
		}
		if *output == "json" {
			display.JSON(c.OutOrStdout(), v)
		} else {
			v.print(c.OutOrStdout())
		}
		if !v.OK {
			return command.ErrReported
		}
		return nil
	}
	return c
}

func (v *verifying) run(ctx context.Context, args []string, from fetch.Flags) error {
	all, err := v.modules(ctx, args, from)
	if err != nil {
		return err
	}
	return load.WithStore(func(store *module.Store) error {
		resolver, closeIt, err := from.Resolver(store)
		if err != nil {
			return err
		}
		defer closeIt()
		for _, one := range all {
			found, problem := resolver.Examine(ctx, one.module)
			v.add(one, found, problem)
		}
		return ctx.Err()
	})
}

// modules returns the modules that the arguments name.
func (v *verifying) modules(ctx context.Context, args []string, from fetch.Flags) ([]named, error) {
	var all []named
	var paths []string
	for _, arg := range args {
		ref, isImage, err := fetch.BundleReference(arg)
		switch {
		case err != nil:
			return nil, err
		case isImage:
			all = append(all, named{shown: ref.String(), module: spec.Module{OCI: ref, Pos: spec.Position{File: arg}}})
		case strings.HasSuffix(arg, ".wasm"):
			abs, err := filepath.Abs(arg)
			if err != nil {
				return nil, err
			}
			pos := spec.Position{File: arg}
			all = append(all, named{shown: arg, module: spec.Module{File: &spec.FileRef{Path: abs, As: arg, Pos: pos}, Pos: pos}})
		default:
			paths = append(paths, arg)
		}
	}
	if len(paths) == 0 {
		return all, nil
	}
	roots, err := from.Roots.Absolute()
	if err != nil {
		return nil, err
	}
	docs := load.Paths(ctx, paths, roots)
	v.problems = docs.Errors
	for _, e := range docs.Errors {
		v.OK = false
		v.Errors = append(v.Errors, api.FromSpec(e))
	}
	for _, s := range docs.Specs {
		all = append(all, named{s.Name, shownModule(s.Module), s.Module})
	}
	return all, nil
}

// shownModule is the name of a module without the credentials that a URL may have.
func shownModule(m spec.Module) string {
	switch {
	case m.File != nil:
		return m.File.As
	case m.OCI.Registry != "":
		return m.OCI.String()
	}
	at, err := url.Parse(m.URL)
	if err != nil {
		return "" // a decoded spec has a URL that can be parsed
	}
	at.RawQuery, at.User = "", nil
	return at.String()
}

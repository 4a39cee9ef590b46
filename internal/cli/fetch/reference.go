package fetch

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Host reads the name of a registry.
func Host(c *cobra.Command, arg string) (string, error) {
	host := strings.TrimSuffix(strings.TrimPrefix(arg, Scheme), "/")
	if host == "" || strings.ContainsAny(host, "/@ ") {
		return "", command.Usage(c, fmt.Sprintf("%q is no registry: it is a host or host:port", arg))
	}
	return host, nil
}

// Scheme tells a reference in a registry from a path.
const Scheme = "oci://"

// IsRemote says whether an argument names something in a registry.
func IsRemote(arg string) bool { return strings.HasPrefix(arg, Scheme) }

// BundleReference reads oci://registry/repository:tag; false: arg is a path.
func BundleReference(arg string) (spec.Reference, bool, error) {
	if etcdspecs.IsPlace(arg) {
		return spec.Reference{}, false, command.Failure(command.CodeUsage, arg+" lies in etcd, which only serve and push use",
			"name the directory that was pushed")
	}
	if !IsRemote(arg) {
		return spec.Reference{}, false, nil
	}
	ref, err := registry.ParseReference(arg)
	return ref, true, Worded(err)
}

// Worded turns an error of a registry into an error for people.
func Worded(err error) error {
	ofRegistry := &registry.Error{}
	if errors.As(err, &ofRegistry) {
		return ofRegistry.Problem(spec.Position{})
	}
	return err
}

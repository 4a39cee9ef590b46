package modules

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pushTarget is a place for artifacts.
type pushTarget interface {
	String() string
	// check returns the problems of specs without a place there.
	check(good []load.Resolved) []*spec.Error
	// push pushes an artifact, and adds to the output.
	push(c *cobra.Command, artifact *bundle.Artifact, entries []bundle.Entry, p *pushed) error
}

// readTarget reads the place to push to.
func readTarget(c *cobra.Command, arg string, from fetch.Flags, etcd fetch.Etcd) (pushTarget, error) {
	access, err := etcd.Config()
	if err != nil {
		return nil, err
	}
	if etcdspecs.IsPlace(arg) {
		place, err := etcdspecs.ParsePlace(arg)
		switch {
		case err != nil:
			return nil, command.Usage(c, fmt.Sprintf("invalid place %q: %v", arg, err))
		case !access.IsOn():
			return nil, command.Usage(c, "--etcd-endpoints is missing: it names the etcd of "+arg)
		}
		return etcdTarget{place, access}, nil
	}
	if !fetch.IsRemote(arg) {
		return nil, command.Usage(c, fmt.Sprintf("%q does not begin with oci:// or etcd://", arg))
	}
	ref, err := registry.ParseReference(arg)
	switch {
	case err != nil:
		return nil, fetch.Worded(err)
	case ref.Digest != "":
		return nil, command.Failure(command.CodeUsage, arg+" names a digest, which is made of what is pushed", "name a tag")
	}
	return registryTarget{ref, from}, nil
}

// registryTarget is a tag in a registry.
type registryTarget struct {
	ref  spec.Reference
	from fetch.Flags
}

func (r registryTarget) String() string { return fetch.Scheme + r.ref.String() }

func (r registryTarget) check([]load.Resolved) []*spec.Error { return nil }

func (r registryTarget) push(c *cobra.Command, artifact *bundle.Artifact, _ []bundle.Entry, _ *pushed) error {
	client, err := r.from.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	t := fetch.NewTransfer(c.Context(), c.ErrOrStderr(), "push "+r.ref.String(), artifact.Size())
	err = client.With(c.Context(), r.ref, registry.Credentials{}, func(ctx context.Context, into *remote.Repository) error {
		return bundle.Push(ctx, t.Target(artifact), into, r.ref.Tag, t.Skip)
	})
	t.End(err)
	return fetch.Worded(err)
}

// etcdTarget is a place in etcd.
type etcdTarget struct {
	place  etcdspecs.Place
	access etcdclient.Config
}

func (e etcdTarget) String() string { return e.place.String() }

// check refuses modules that are too large for etcd, at the place where a spec names them.
func (e etcdTarget) check(good []load.Resolved) []*spec.Error {
	var problems []*spec.Error
	for _, one := range good {
		file, size := one.Spec.Module.File, one.Revision.Module.Size
		if file == nil || size <= etcdspecs.MaxModule {
			continue
		}
		problems = append(problems, &spec.Error{
			Code: "module_too_large", Name: one.Spec.Name, Pos: file.Pos,
			Message: fmt.Sprintf("the module %s has %s, and etcd is for modules of at most %s", file.As, display.Bytes(size), display.Bytes(etcdspecs.MaxModule)),
			Hint:    "push it to a registry (wasm-xds push " + file.As + " oci://REGISTRY/REPOSITORY:TAG) and name it as module: {oci: …}, or serve it and name it as module: {url: …, sha256: …}",
		})
	}
	return problems
}

func (e etcdTarget) push(c *cobra.Command, artifact *bundle.Artifact, entries []bundle.Entry, p *pushed) error {
	if err := etcdspecs.CheckEntries(entries); err != nil {
		return command.Failure("bundle_impossible", fmt.Sprintf("%s is too much for %s: %v", c.Flags().Arg(0), e.place, err),
			"push the modules to a registry, or divide the directory among several prefixes")
	}
	access, err := etcdclient.Open(e.access, zap.NewNop()) // serve warns of the modes of the same files
	if err != nil {
		return err
	}
	result, err := e.send(c, access, artifact, entries)
	if c.Context().Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		if worded := etcdspecs.Problem(err, e.place); worded != nil {
			return worded
		}
		return access.Problem(err)
	}
	if result.Uncollected != nil {
		fmt.Fprintf(c.ErrOrStderr(), "what the earlier push has left in etcd is still there, and the next push removes it: %v\n",
			access.Problem(result.Uncollected))
	}
	p.Unchanged = !result.Changed
	return nil
}

func (e etcdTarget) send(c *cobra.Command, access *etcdclient.Access, artifact *bundle.Artifact, entries []bundle.Entry) (r etcdspecs.Result, err error) {
	client, err := access.Connect(c.Context())
	if err != nil {
		return r, err
	}
	defer func() { _ = client.Close() }() // the push has ended
	pusher := etcdspecs.Pusher{
		Client: client, Place: e.place, Keys: access.Keys(),
		Waiting: func() {
			fmt.Fprintln(c.ErrOrStderr(), "another push to "+e.place.String()+" is under way: waiting for its end")
		},
	}
	return pusher.Push(c.Context(), artifact, entries)
}

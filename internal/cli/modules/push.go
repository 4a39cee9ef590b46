package modules

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pushOptions configures push.
type pushOptions struct {
	from        fetch.Flags
	mode        examine.Mode
	host        fetch.HostEnv
	annotations map[string]string
	etcd        fetch.Etcd
	output      *string
}

func newPush() *cobra.Command {
	o := pushOptions{mode: examine.Enforce}
	c := &cobra.Command{
		Use:   "push DIR|MODULE oci://REGISTRY/REPOSITORY:TAG | push DIR etcd://PREFIX",
		Short: "Push a directory of specs, or a module, to a registry or to etcd",
		Long: `Push makes a bundle of the specs in DIR, with their modules and the files that
configFrom names, and pushes it under a tag; wasm-xds serve oci://… serves it. What
check would refuse is not pushed. The same directory makes the same bundle, digest
included, and what the registry has already is not sent again.

Files that lie outside of DIR are taken into the bundle, and its specs name them
there. Everything that configFrom names is in the bundle, for everyone to read who
can pull it.

Push MODULE pushes a single Wasm file, as an OCI artifact that module.oci can name.

Push DIR etcd://PREFIX puts the bundle into etcd, in one atomic step however many specs
it has: every wasm-xds serve etcd://PREFIX takes it at once. etcd is for small things:
modules of more than 1 MiB belong in a registry, or on a URL.`,
		Example: `  wasm-xds push filters/ oci://registry.example.com/team/filters:prod
  wasm-xds push auth.wasm oci://registry.example.com/team/auth:v1 --annotation org.opencontainers.image.version=1.0.0
  wasm-xds push filters/ etcd:///wasm-xds --etcd-endpoints etcd-1:2379,etcd-2:2379,etcd-3:2379`,
		Args: command.Arguments(2, 2, "a directory or a module, and where to push it"),
	}
	f := c.Flags()
	command.ChoiceFlag(c, &o.mode, examine.Modes(), "preflight", "`mode` of the sandbox that tries specs first: "+command.List(examine.Modes())+"; warn shows what it finds, enforce pushes nothing then")
	f.StringToStringVar(&o.annotations, "annotation", nil, "`key=value` to put into the manifest, several times for several")
	command.Action(f, "annotation")
	o.from.AddFlags(f)
	o.from.Roots.AddFlags(f)
	o.host.AddFlags(f)
	o.etcd.AddFlags(f)
	o.output = command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		to, err := readTarget(c, args[1], o.from, o.etcd)
		if err != nil {
			return err
		}
		if err := o.from.Trust.Validate(); err != nil {
			return command.Usage(c, err.Error())
		}
		info, err := os.Stat(args[0])
		switch {
		case err != nil:
			return command.Failure("path_unreadable", args[0]+": "+reason.Of(err), "name a directory of specs, or a Wasm file")
		case info.IsDir():
			return o.pushDirectory(c, args[0], to)
		case filepath.Ext(args[0]) == ".yaml" || filepath.Ext(args[0]) == ".yml":
			return command.Failure(command.CodeUsage, args[0]+" is a spec: a bundle is made of a directory", "push the directory that it lies in")
		default:
			return o.pushModule(c, args[0], to)
		}
	}
	return c
}

func (o *pushOptions) pushDirectory(c *cobra.Command, path string, to pushTarget) error {
	values, err := o.host.Values()
	if err != nil {
		return command.Usage(c, err.Error())
	}
	return load.WithStore(func(store *module.Store) error {
		roots, err := o.from.Roots.Absolute()
		if err != nil {
			return err
		}
		docs := load.Paths(c.Context(), []string{path}, roots)
		good, err := docs.Resolve(c.Context(), store, o.from)
		if err != nil {
			return err
		}
		result, err := trial.Run(c.Context(), store, good, trial.Options{Mode: o.mode, HostEnv: values})
		if err != nil {
			return err
		}
		result.Errors = docs.Errors
		if !result.OK() {
			return o.refuse(c.ErrOrStderr(), result)
		}
		if len(good) == 0 {
			return command.Failure("no_specs", "there is no spec in "+path, "a spec is a .yaml or .yml file: see docs/spec.md")
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		items, problems := planBundle(path, dir.Bounds(abs, spec.Bounds{Roots: roots}), good, store)
		if problems = append(problems, to.check(good)...); len(problems) > 0 {
			return o.refuse(c.ErrOrStderr(), trial.Outcome{Errors: problems})
		}
		artifact, err := bundle.NewArtifact(items, o.annotations)
		if err != nil {
			return command.Failure("bundle_impossible", fmt.Sprintf("%s cannot be made a bundle: %v", path, err), "")
		}
		return o.pushTo(c, to, artifact, items)
	})
}

// pushTo pushes an artifact, and prints the files.
func (o *pushOptions) pushTo(c *cobra.Command, to pushTarget, artifact *bundle.Artifact, items []bundle.Item) error {
	entries := make([]bundle.Entry, len(items))
	for i, item := range items {
		entries[i] = item.Entry
	}
	p := describeEntries(to.String(), artifact.Root.Digest, entries)
	if err := to.push(c, artifact, entries, &p); err != nil {
		return err
	}
	o.print(c.OutOrStdout(), p)
	return nil
}

// refuse prints the reason for which nothing is pushed.
func (o *pushOptions) refuse(stderr io.Writer, result trial.Outcome) error {
	if err := trial.Print(stderr, result, *o.output); err != nil {
		return err
	}
	if *o.output != "json" {
		fmt.Fprintln(stderr, "nothing was pushed")
	}
	return command.ErrReported
}

func (o *pushOptions) pushModule(c *cobra.Command, path string, to pushTarget) error {
	if _, ok := to.(etcdTarget); ok {
		return command.Failure(command.CodeUsage, "a module alone cannot be pushed to etcd: it belongs in a registry",
			"push it to oci://REGISTRY/REPOSITORY:TAG, and name it in a spec as module: {oci: …}")
	}
	return load.WithStore(func(store *module.Store) error {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		resolver := &module.Resolver{Store: store}
		m, problem := resolver.Resolve(c.Context(), spec.Module{File: &spec.FileRef{Path: absolute, As: path}})
		if problem != nil {
			return problem
		}
		what := bundle.Content{Digest: digest.NewDigestFromEncoded(digest.SHA256, m.SHA256), Size: m.Size}
		artifact, err := bundle.NewModule(store.Path(m.SHA256), filepath.Base(path), what, o.annotations)
		if err != nil {
			return err
		}
		return o.pushTo(c, to, artifact, []bundle.Item{{Entry: bundle.Entry{
			Title: filepath.Base(path), MediaType: bundle.ModuleType, Digest: what.Digest, Size: what.Size,
		}}})
	})
}

func (o *pushOptions) print(w io.Writer, p pushed) {
	if *o.output == "json" {
		display.JSON(w, p)
		return
	}
	fmt.Fprintf(w, "pushed %s\n", p.Reference)
	p.printFiles(w)
	fmt.Fprintf(w, "%s, %s: %s\n", display.Plural(len(p.Files), "file"), display.Bytes(p.Size), p.Digest)
	if p.Unchanged {
		fmt.Fprintln(w, "the same was there already")
	}
}

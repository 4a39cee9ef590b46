package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pushOptions configures push.
type pushOptions struct {
	from        fetching
	mode        examine.Mode
	host        hostEnv
	annotations map[string]string
	output      *string
}

func newPush() *cobra.Command {
	o := pushOptions{mode: examine.Enforce}
	c := &cobra.Command{
		Use:   "push DIR|MODULE oci://REGISTRY/REPOSITORY:TAG",
		Short: "Push a directory of specs, or a module, to a registry",
		Long: `Push makes a bundle of the specs in DIR, with their modules and the files that
configFrom names, and pushes it under a tag; wasm-xds serve oci://… serves it. What
check would refuse is not pushed. The same directory makes the same bundle, digest
included, and what the registry has already is not sent again.

Files that lie outside of DIR are taken into the bundle, and its specs name them
there. Everything that configFrom names is in the bundle, for everyone to read who
can pull it.

Push MODULE pushes a single Wasm file, as an OCI artifact that module.oci can name.`,
		Example: `  wasm-xds push filters/ oci://registry.example.com/team/filters:prod
  wasm-xds push auth.wasm oci://registry.example.com/team/auth:v1 --annotation org.opencontainers.image.version=1.0.0`,
		Args: arguments(2, 2, "a directory or a module, and where to push it"),
	}
	f := c.Flags()
	choiceFlag(c, &o.mode, examine.Modes(), "preflight", "`mode` of the sandbox that tries specs first: "+list(examine.Modes())+"; warn shows what it finds, enforce pushes nothing then")
	f.StringToStringVar(&o.annotations, "annotation", nil, "`key=value` to put into the manifest, several times for several")
	action(f, "annotation")
	o.from.addFlags(f)
	o.host.addFlags(f)
	o.output = outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		ref, err := pushTarget(c, args[1])
		if err != nil {
			return err
		}
		if err := o.from.trust.validate(); err != nil {
			return usage(c, err.Error())
		}
		info, err := os.Stat(args[0])
		switch {
		case err != nil:
			return failure("path_unreadable", args[0]+": "+reason.Of(err), "name a directory of specs, or a Wasm file")
		case info.IsDir():
			return o.pushDirectory(c, args[0], ref)
		case filepath.Ext(args[0]) == ".yaml" || filepath.Ext(args[0]) == ".yml":
			return failure(codeUsage, args[0]+" is a spec: a bundle is made of a directory", "push the directory that it lies in")
		default:
			return o.pushModule(c, args[0], ref)
		}
	}
	return c
}

// pushTarget reads the reference to push to: a tag.
func pushTarget(c *cobra.Command, arg string) (spec.Reference, error) {
	if !isRemote(arg) {
		return spec.Reference{}, usage(c, fmt.Sprintf("%q does not begin with oci://", arg))
	}
	ref, err := registry.ParseReference(arg)
	switch {
	case err != nil:
		return ref, worded(err)
	case ref.Digest != "":
		return ref, failure(codeUsage, arg+" names a digest, which is made of what is pushed", "name a tag")
	}
	return ref, nil
}

func (o *pushOptions) pushDirectory(c *cobra.Command, path string, ref spec.Reference) error {
	values, err := o.host.values()
	if err != nil {
		return usage(c, err.Error())
	}
	return withStore(func(store *module.Store) error {
		docs := loadPaths(c.Context(), []string{path})
		good, err := docs.resolve(c.Context(), store, o.from)
		if err != nil {
			return err
		}
		result, err := sandbox(c.Context(), store, good, sandboxing{mode: o.mode, hostEnv: values})
		if err != nil {
			return err
		}
		result.errors = docs.errors
		if !result.ok() {
			return o.refuse(c.ErrOrStderr(), result)
		}
		if len(good) == 0 {
			return failure("no_specs", "there is no spec in "+path, "a spec is a .yaml or .yml file: see docs/spec.md")
		}
		items, problems := planBundle(path, good, store)
		if len(problems) > 0 {
			return o.refuse(c.ErrOrStderr(), checkOutcome{errors: problems})
		}
		artifact, err := bundle.NewArtifact(items, o.annotations)
		if err != nil {
			return failure("bundle_impossible", fmt.Sprintf("%s cannot be made a bundle: %v", path, err), "")
		}
		if err := o.push(c, ref, artifact); err != nil {
			return err
		}
		o.print(c.OutOrStdout(), ref, artifact, items)
		return nil
	})
}

// refuse prints the reason for which nothing is pushed.
func (o *pushOptions) refuse(stderr io.Writer, result checkOutcome) error {
	if *o.output == "json" {
		printJSON(stderr, result.json())
		return errSilent
	}
	result.printText(stderr)
	fmt.Fprintln(stderr, "nothing was pushed")
	return errSilent
}

// planBundle lays out the bundle of the resolved specs. The bundle has exactly the checked
// content: a file that has changed since is an error.
func planBundle(dir string, good []resolved, store *module.Store) ([]bundle.Item, []*spec.Error) {
	byFile := map[string]*bundle.SpecFile{}
	var order []string
	contents := map[string]bundle.Content{}
	var problems []*spec.Error
	for _, one := range good {
		f := byFile[one.spec.File]
		if f == nil {
			f = &bundle.SpecFile{}
			byFile[one.spec.File] = f
			order = append(order, one.spec.File)
		}
		f.Specs = append(f.Specs, one.spec)
		if ref := one.spec.Module.File; ref != nil {
			m := one.revision.Module
			contents[ref.Path] = bundle.Content{Digest: digest.NewDigestFromEncoded(digest.SHA256, m.SHA256), Size: m.Size, Place: store.Path(m.SHA256)}
		}
		if ref := one.spec.ConfigFrom; ref != nil && one.content != nil {
			contents[ref.Path] = textContent([]byte(*one.content))
		}
		for _, file := range one.spec.Module.SignatureFiles() {
			if text, err := readSmall(file); err == nil { // most modules have no such file
				contents[file] = textContent(text)
			}
		}
		for _, key := range one.spec.Module.Keys {
			text, err := readSmall(key.Path)
			if err != nil {
				problems = append(problems, &spec.Error{Code: "path_unreadable", Message: key.Path + ": " + reason.Of(err), Name: one.spec.Name, Pos: key.Pos})
				continue
			}
			contents[key.Path] = textContent(text)
		}
	}
	files := make([]bundle.SpecFile, 0, len(order))
	for _, file := range order {
		f := byFile[file]
		if err := readSpecFile(dir, file, f); err != nil {
			problems = append(problems, err)
			continue
		}
		files = append(files, *f)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return bundle.Plan(files, contents)
}

func textContent(text []byte) bundle.Content {
	return bundle.Content{Digest: digest.FromBytes(text), Size: int64(len(text)), Text: text}
}

// readSmall reads a regular file, up to the limit of a bundle.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > bundle.MaxText:
		return nil, fmt.Errorf("it is no regular file of at most %d bytes", bundle.MaxText)
	}
	return os.ReadFile(path)
}

// readSpecFile reads the text of a file with the known specs, in their order.
func readSpecFile(dir, file string, f *bundle.SpecFile) *spec.Error {
	changed := func(why string) *spec.Error {
		return &spec.Error{
			Code: "spec_changed", Message: "the file changed while it was read: " + why, Hint: "push again",
			Pos: spec.Position{File: file},
		}
	}
	title, err := filepath.Rel(dir, file)
	if err != nil {
		return changed(err.Error())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return changed(reason.Of(err))
	}
	specs, errs, _ := spec.Decode(file, text)
	if len(errs) > 0 || !bundle.Same(specs, f.Specs) {
		return changed("it is not what was checked")
	}
	f.Title, f.Text, f.Specs = filepath.ToSlash(title), text, specs
	return nil
}

func (o *pushOptions) pushModule(c *cobra.Command, path string, ref spec.Reference) error {
	return withStore(func(store *module.Store) error {
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
		if err := o.push(c, ref, artifact); err != nil {
			return err
		}
		o.print(c.OutOrStdout(), ref, artifact, []bundle.Item{{Entry: bundle.Entry{
			Title: filepath.Base(path), MediaType: bundle.ModuleType, Digest: what.Digest, Size: what.Size,
		}}})
		return nil
	})
}

func (o *pushOptions) push(c *cobra.Command, ref spec.Reference, artifact *bundle.Artifact) error {
	client, err := o.from.client()
	if err != nil {
		return err
	}
	defer client.Close()
	t := newTransfer(c.Context(), c.ErrOrStderr(), "push "+ref.String(), artifact.Size())
	err = client.With(c.Context(), ref, registry.Credentials{}, func(ctx context.Context, into *remote.Repository) error {
		return bundle.Push(ctx, meteredTarget{artifact, t}, into, ref.Tag, t.skip)
	})
	t.end(err)
	return worded(err)
}

// pushed is the output of push and pull.
type pushed struct {
	Reference string       `json:"reference"`
	Digest    string       `json:"digest"` // of the manifest
	Size      int64        `json:"size"`   // of all files, in bytes
	Files     []pushedFile `json:"files"`
}

type pushedFile struct {
	Path   string `json:"path"`
	Type   string `json:"type"` // spec, module or file
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func describeEntries(ref spec.Reference, root digest.Digest, entries []bundle.Entry) pushed {
	p := pushed{Reference: scheme + ref.String(), Digest: root.String(), Files: []pushedFile{}}
	for _, e := range entries {
		kind := map[string]string{bundle.SpecType: "spec", bundle.ModuleType: "module"}[e.MediaType]
		if kind == "" {
			kind = "file"
		}
		p.Files = append(p.Files, pushedFile{Path: e.Title, Type: kind, SHA256: e.Digest.Encoded(), Size: e.Size})
		p.Size += e.Size
	}
	return p
}

func (o *pushOptions) print(w io.Writer, ref spec.Reference, artifact *bundle.Artifact, items []bundle.Item) {
	entries := make([]bundle.Entry, len(items))
	for i, item := range items {
		entries[i] = item.Entry
	}
	p := describeEntries(ref, artifact.Root.Digest, entries)
	if *o.output == "json" {
		printJSON(w, p)
		return
	}
	fmt.Fprintf(w, "pushed %s\n", p.Reference)
	p.printFiles(w)
	fmt.Fprintf(w, "%s, %s: %s\n", plural(len(p.Files), "file"), byteCount(p.Size), p.Digest)
}

func (p pushed) printFiles(w io.Writer) {
	for _, f := range p.Files {
		fmt.Fprintf(w, "  %-6s  %s  %s\n", f.Type, f.Path, byteCount(f.Size))
	}
}

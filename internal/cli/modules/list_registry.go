package modules

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	asksAtOnce   = 4
	maxTags      = 100_000 // in memory
	maxOfCatalog = 100_000
)

// lister lists the content of a registry.
type lister struct {
	client *registry.Client
	search string
	most   int
	output string
	out    io.Writer
}

var errEnough = errors.New("enough")

// repositories lists the repositories that the registry reports.
func (l *lister) repositories(ctx context.Context, host string) error {
	reg, err := l.client.Registry(ctx, host, registry.Credentials{})
	if err != nil {
		return fetch.Worded(err)
	}
	found, seen := []string{}, 0
	err = reg.Repositories(ctx, "", func(names []string) error {
		for _, name := range names {
			if strings.Contains(name, l.search) {
				found = append(found, name)
			}
		}
		if seen += len(names); seen >= maxOfCatalog || len(found) > l.most {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		err = fetch.Worded(registry.ErrorOfRegistry(host, err))
		if e := (*spec.Error)(nil); errors.As(err, &e) && e.Code == registry.CodeNotFound {
			return command.Failure("no_catalog", host+" does not tell which repositories it has", "name a repository: wasm-xds list oci://"+host+"/…")
		}
		return err
	}
	more := len(found) > l.most
	found = found[:min(len(found), l.most)]
	if l.output == "json" {
		display.JSON(l.out, map[string]any{"registry": host, "repositories": found, "more": more})
		return nil
	}
	for _, name := range found {
		fmt.Fprintf(l.out, "%s%s/%s\n", fetch.Scheme, host, name)
	}
	if more {
		fmt.Fprintln(l.out, "… and more: see --limit and --search")
	}
	if len(found) == 0 {
		fmt.Fprintln(l.out, "no repositories")
	}
	return nil
}

// listedTag is a tag of a repository.
type listedTag struct {
	Tag    string `json:"tag"`
	Digest string `json:"digest"`
	// Kind is bundle, module, or the type in the manifest.
	Kind    string `json:"kind"`
	Size    int64  `json:"size"`    // of the layers, in bytes; 0 for an index of several images
	Created string `json:"created"` // from the manifest; "": the manifest has no time
	Error   string `json:"error,omitempty"`
}

// tags lists a repository's tags with their content.
func (l *lister) tags(ctx context.Context, ref spec.Reference) error {
	tags, err := l.matchingTags(ctx, ref)
	if err != nil {
		return fetch.Worded(err)
	}
	slices.Sort(tags)
	left := max(len(tags)-l.most, 0)
	listed := make([]listedTag, len(tags[left:]))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(asksAtOnce)
	for i, tag := range tags[left:] {
		group.Go(func() error {
			listed[i] = l.describe(asking, ref, tag)
			return asking.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return l.printTags(ref, listed, left)
}

// matchingTags asks for the tags with the text of the search. Up to maxTags of them are kept.
func (l *lister) matchingTags(ctx context.Context, ref spec.Reference) ([]string, error) {
	var tags []string
	err := l.client.With(ctx, ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		err := from.Tags(ctx, "", func(page []string) error {
			for _, tag := range page {
				if strings.Contains(tag, l.search) {
					tags = append(tags, tag)
				}
			}
			if len(tags) > maxTags {
				return errEnough
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	return tags, err
}

// printTags prints the tags. left is the number of earlier tags that are not listed.
func (l *lister) printTags(ref spec.Reference, listed []listedTag, left int) error {
	repository := ref.Registry + "/" + ref.Repository
	if l.output == "json" {
		display.JSON(l.out, map[string]any{"repository": repository, "tags": listed, "more": left > 0})
		return nil
	}
	table := display.Table(l.out)
	fmt.Fprintln(table, "TAG\tKIND\tSIZE\tCREATED\tDIGEST")
	for _, t := range listed {
		if t.Error != "" {
			fmt.Fprintf(table, "%s\t-\t-\t-\t%s\n", t.Tag, t.Error)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Tag, t.Kind, display.Bytes(t.Size), cmp.Or(t.Created, "-"), t.Digest)
	}
	if left > 0 {
		fmt.Fprintf(table, "… and %d more before them: see --limit and --search\n", left)
	}
	return table.Flush()
}

// describe asks the registry for a tag's content. An error concerns only this tag.
func (l *lister) describe(ctx context.Context, ref spec.Reference, tag string) listedTag {
	ref.Tag, ref.Digest = tag, ""
	t := listedTag{Tag: tag}
	err := l.client.With(ctx, ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		root, body, err := from.FetchReference(ctx, tag)
		if err != nil {
			return err
		}
		defer body.Close()
		if root.Size > bundle.MaxManifest {
			return fmt.Errorf("its manifest has %d bytes", root.Size)
		}
		text, err := content.ReadAll(body, root)
		if err != nil {
			return err
		}
		t.Digest = root.Digest.String()
		return t.read(root.MediaType, text)
	})
	if err != nil {
		t.Error = err.Error()
	}
	return t
}

// read takes the fields to show from a manifest or an index.
func (t *listedTag) read(mediaType string, text []byte) error {
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("its manifest is not JSON as it should be")
	}
	t.Kind = kindOf(mediaType, &m)
	for _, layer := range m.Layers {
		t.Size += layer.Size
	}
	t.Created = terminal.Printable(m.Annotations[ocispec.AnnotationCreated])
	return nil
}

func kindOf(mediaType string, m *ocispec.Manifest) string {
	switch {
	case mediaType == ocispec.MediaTypeImageIndex || strings.HasSuffix(mediaType, "manifest.list.v2+json"):
		return "index"
	case m.ArtifactType == bundle.ArtifactType:
		return "bundle"
	case strings.Contains(m.Config.MediaType, "wasm"):
		return "module"
	default:
		return terminal.Printable(cmp.Or(m.ArtifactType, m.Config.MediaType))
	}
}

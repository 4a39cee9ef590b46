package modules

import (
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

// pushed is the output of push and pull.
type pushed struct {
	Reference string       `json:"reference"`
	Digest    string       `json:"digest"` // of the manifest
	Size      int64        `json:"size"`   // of all files, in bytes
	Files     []pushedFile `json:"files"`
	// Unchanged says the same bundle was in etcd already. Registries do not tell.
	Unchanged bool `json:"unchanged,omitempty"`
}

type pushedFile struct {
	Path   string `json:"path"`
	Type   string `json:"type"` // spec, module or file
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

func describeEntries(reference string, root digest.Digest, entries []bundle.Entry) pushed {
	p := pushed{Reference: reference, Digest: root.String(), Files: []pushedFile{}}
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

func (p pushed) printFiles(w io.Writer) {
	for _, f := range p.Files {
		fmt.Fprintf(w, "  %-6s  %s  %s\n", f.Type, f.Path, display.Bytes(f.Size))
	}
}

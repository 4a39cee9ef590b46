package packaging

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/goccy/go-yaml"
)

// Package selects one package of a release.
type Package struct {
	Version string    // without a v
	Arch    string    // of Go, for example amd64
	Binary  string    // the path of the program
	Date    time.Time // of all files
	// Quick makes a larger package in less time.
	Quick bool
}

// release is the part of .goreleaser.yaml with the packages.
type release struct {
	NFPMs []struct {
		Name      string                    `yaml:"package_name"`
		Bindir    string                    `yaml:"bindir"`
		Contents  []map[string]any          `yaml:"contents"`
		Overrides map[string]map[string]any `yaml:"overrides"`
		Others    map[string]any            `yaml:",inline"`
	} `yaml:"nfpms"`
}

// kept are the settings that have one name in goreleaser and nfpm.
var kept = []string{"vendor", "maintainer", "homepage", "license", "section", "priority", "description", "recommends"}

// NFPMConfig returns the configuration by which nfpm alone makes a package of .goreleaser.yaml.
// goreleaser would build every platform first, which takes minutes. The paths in the result are
// relative to the repository.
func NFPMConfig(goreleaser []byte, p Package) ([]byte, error) {
	var r release
	if err := yaml.Unmarshal(goreleaser, &r); err != nil {
		return nil, fmt.Errorf(".goreleaser.yaml: %w", err)
	}
	if len(r.NFPMs) != 1 {
		return nil, errors.New(".goreleaser.yaml: one package is expected under nfpms")
	}
	from := r.NFPMs[0]
	date := p.Date.UTC().Format(time.RFC3339)
	contents := append(from.Contents, map[string]any{
		"src": p.Binary, "dst": from.Bindir + "/wasm-xds", "file_info": map[string]any{"mode": 0o755},
	})
	config := map[string]any{
		"name": from.Name, "arch": p.Arch, "platform": "linux", "version": p.Version, "mtime": date,
		"contents": contents, "overrides": from.Overrides,
	}
	for _, name := range kept {
		if value, ok := from.Others[name]; ok {
			config[name] = value
		}
	}
	if p.Quick {
		config["deb"], config["rpm"] = map[string]any{"compression": "none"}, map[string]any{"compression": "gzip:1"}
	}
	for format, override := range from.Overrides {
		renamed := maps.Clone(override)
		if value, ok := renamed["dependencies"]; ok {
			delete(renamed, "dependencies")
			renamed["depends"] = value
		}
		from.Overrides[format] = renamed
	}
	return yaml.Marshal(config)
}

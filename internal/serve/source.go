package serve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/source/etcd"
	"github.com/wasm-xds/wasm-xds/internal/source/oci"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/source/merge"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// openSource makes a source from the directory and the bundles, and returns the source's
// description.
func openSource(cfg *Config, from *fetching, access *etcdclient.Access, files *files, recorder *metrics.Recorder) (source.Source, string, error) {
	var all []merge.Named
	if cfg.Dir != "" {
		all = append(all, merge.Named{Root: filepath.Clean(cfg.Dir), Source: dir.New(dir.Config{
			Dir: cfg.Dir, Settle: cfg.Settle, Rescan: cfg.Rescan, Logger: cfg.Logger, Decode: cfg.Decode, Verify: cfg.Verify,
			Bounds: spec.Bounds{Roots: cfg.FilesRoots, Except: ownFiles(cfg, files.dir.Path())},
		})})
	}
	kept := map[string]struct{}{}
	for _, ref := range cfg.Bundles {
		name := placeOf(ref.String())
		kept[name] = struct{}{}
		all = append(all, merge.Named{Root: oci.Root(ref), Source: oci.New(oci.Config{
			Reference: ref, Client: from.registries, Dir: filepath.Join(files.bundles, name), Refresh: cfg.Refresh,
			Logger: cfg.Logger, Failed: recorder.BundleFailed,
			Verify: func(ctx context.Context, manifest ocispec.Descriptor) *spec.Error {
				return from.modules.CheckBundle(ctx, from.registries, ref, manifest)
			},
		})})
	}
	for _, place := range cfg.EtcdBundles {
		name := placeOf(place.String())
		kept[name] = struct{}{}
		all = append(all, merge.Named{Root: place.String(), Source: etcd.New(etcd.Config{
			Place: place, Etcd: access, Dir: filepath.Join(files.bundles, name),
			Logger: cfg.Logger, Failed: recorder.BundleFailed,
		})})
	}
	if err := removeOthers(files.bundles, kept); err != nil && !errors.Is(err, syscall.EROFS) {
		return nil, "", err
	}
	roots := make([]string, len(all))
	for i, one := range all {
		roots[i] = one.Root
	}
	if len(all) == 1 {
		return all[0].Source, roots[0], nil
	}
	return merge.New(all...), strings.Join(roots, ", "), nil
}

// ownFiles returns the server's own files, closed to specs, although they may lie beside the
// directory of specs. Otherwise an author of specs could send them to a filter.
func ownFiles(cfg *Config, state string) []string {
	files := slices.DeleteFunc([]string{cfg.TLS.KeyFile, cfg.AdminTLS.KeyFile, cfg.AdminTokenFile, cfg.AuditLogFile, cfg.StateKeyFile, cfg.Etcd.KeyFile, cfg.Etcd.PasswordFile, cfg.Etcd.SecretKeyFile}, func(path string) bool { return path == "" })
	// The specs may lie in the state directory, too.
	if rel, err := filepath.Rel(state, cfg.Dir); err == nil && filepath.IsLocal(rel) {
		return files
	}
	return append(files, state)
}

// placeOf returns the directory name of a bundle. The bundle's name itself may be too long, or may
// differ from another name only in letter case, which some file systems ignore.
func placeOf(bundle string) string {
	sum := sha256.Sum256([]byte(bundle))
	const enough = 16
	return hex.EncodeToString(sum[:enough])
}

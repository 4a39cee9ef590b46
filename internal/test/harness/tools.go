package harness

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// Downloads and builds are shared by all tests of the process.
var (
	cosign = sync.OnceValues(func() (string, error) { return got("get-cosign") })
	oras   = sync.OnceValues(func() (string, error) { return got("get-oras") })
)

// got runs a script of scripts/ and returns the path that the script prints.
func got(script string) (string, error) {
	cmd := exec.Command(filepath.Join(program.Repository(), "scripts", script))
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("scripts/%s: %w\n%s", script, err, words.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// Cosign is the real cosign with its own key pair.
type Cosign struct {
	t      TB
	binary string
	dir    string
	// PublicKey is the path of the public key.
	PublicKey string
}

// NewCosign makes cosign generate an ECDSA key pair. The first call may build cosign.
func NewCosign(t TB) *Cosign {
	t.Helper()
	c := newCosign(t)
	c.run("generate-key-pair")
	return c
}

// NewCosignFrom makes cosign import a private key, for example RSA.
func NewCosignFrom(t TB, key crypto.PrivateKey) *Cosign {
	t.Helper()
	c := newCosign(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("%v", err)
	}
	file := filepath.Join(c.dir, "private.pem")
	WriteFile(t, file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	c.run("import-key-pair", "--key", file, "--output-key-prefix", "cosign")
	return c
}

func newCosign(t TB) *Cosign {
	t.Helper()
	binary, err := cosign()
	if err != nil {
		t.Fatalf("%v", err)
	}
	dir := t.TempDir()
	return &Cosign{t: t, binary: binary, dir: dir, PublicKey: filepath.Join(dir, "cosign.pub")}
}

// keyAlone makes cosign use its key and no network service except the registry.
var keyAlone = []string{"--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false", "--yes"}

// SignFile writes a signature beside a file, in base64 or in a bundle.
func (c *Cosign) SignFile(path string, bundle bool) {
	c.t.Helper()
	args := append([]string{"sign-blob"}, keyAlone...)
	if bundle {
		c.run(append(args, "--bundle", path+".sigstore.json", path)...)
		return
	}
	c.run(append(args, "--new-bundle-format=false", "--output-signature", path+".sig", path)...)
}

// SignImage signs an image in a plain HTTP registry, with a signature tag or with a bundle that
// refers to the image.
func (c *Cosign) SignImage(reference string, bundle bool) {
	c.t.Helper()
	args := append([]string{"sign", "--allow-http-registry", "--allow-insecure-registry"}, keyAlone...)
	c.run(append(args, fmt.Sprintf("--new-bundle-format=%t", bundle), reference)...)
}

func (c *Cosign) run(args ...string) {
	c.t.Helper()
	runTool(c.t, c.binary, c.dir, []string{"COSIGN_PASSWORD=", "HOME=" + c.dir}, args...)
}

// Oras runs the real oras in a directory, for plain HTTP registries, and returns its output. The
// first call may build oras.
func Oras(t TB, dir string, args ...string) string {
	t.Helper()
	binary, err := oras()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return runTool(t, binary, dir, []string{"HOME=" + dir}, args...)
}

// runTool returns the output of a tool, and fails the test if the tool fails.
func runTool(t TB, binary, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(binary), strings.Join(args, " "), err, out)
	}
	return string(out)
}

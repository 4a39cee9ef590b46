package signature_test

import (
	"crypto/rand"
	"crypto/rsa"
	"os"
	"path/filepath"
	"testing"

	"github.com/sigstore/sigstore/pkg/cryptoutils"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := newSigner(t, "ECDSA")
	keys, err := signature.ReadKeys([]*spec.FileRef{{Path: write("good.pub", publicPEM(t, good))}})
	if err != nil || len(keys) != 1 || keys[0].Fingerprint != good.key.Fingerprint {
		t.Fatalf("%v, %v", keys, err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakPEM, err := cryptoutils.MarshalPublicKeyToPEM(weak.Public())
	if err != nil {
		t.Fatal(err)
	}
	for says, file := range map[string]string{
		"private key":       write("cosign.key", []byte("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")),
		"no public key":     write("text", []byte("hello")),
		"not strong enough": write("weak.pub", weakPEM),
		"no such file":      filepath.Join(dir, "missing"),
		"no regular file":   dir,
		"more than":         write("large", make([]byte, 1<<20)),
	} {
		_, err := signature.ReadKeys([]*spec.FileRef{{Path: file}})
		wantCode(t, signature.CodeKey, says, err)
	}
}

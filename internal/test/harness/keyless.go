package harness

import (
	"fmt"
	"path/filepath"
)

// Keyless is the real cosign with a token instead of a key. It asks nothing but the given services.
type Keyless struct {
	cosign *Cosign
	newer  []string // the services, as arguments for cosign's newer format
	older  []string // and for its older format
}

// NewKeyless makes cosign sign for the owner of a token. fulcio and rekor are the URLs of the
// services, and trustedRoot is the file that proves them.
func NewKeyless(t TB, fulcio, rekor, trustedRoot, token string) *Keyless {
	t.Helper()
	c := newCosign(t)
	config, tokenFile := filepath.Join(c.dir, "signing_config.json"), filepath.Join(c.dir, "token")
	WriteFile(t, tokenFile, []byte(token))
	const at = "url=%s,api-version=1,start-time=2024-01-01T00:00:00Z,operator=test"
	c.run("signing-config", "create", "--fulcio", fmt.Sprintf(at, fulcio), "--rekor", fmt.Sprintf(at, rekor), "--rekor-config", "ANY", "--out", config)
	signer := []string{"--identity-token", tokenFile, "--yes"}
	return &Keyless{
		cosign: c,
		newer:  append([]string{"--signing-config", config, "--trusted-root", trustedRoot}, signer...),
		older:  append([]string{"--use-signing-config=false", "--new-bundle-format=false", "--fulcio-url", fulcio, "--rekor-url", rekor}, signer...),
	}
}

// SignFile writes a bundle beside a file.
func (k *Keyless) SignFile(path string) {
	k.cosign.t.Helper()
	k.run("sign-blob", k.newer, "--bundle", path+".sigstore.json", path)
}

// AttestFile writes an attestation of a type beside a file, in a bundle of one line.
func (k *Keyless) AttestFile(path, predicateType, predicate string) {
	k.cosign.t.Helper()
	k.run("attest-blob", k.newer, "--type", predicateType, "--predicate", k.write(predicate), "--bundle", path+".intoto.jsonl", path)
}

// SignImage signs an image in a plain HTTP registry, with a signature tag or with a bundle that
// refers to the image.
func (k *Keyless) SignImage(reference string, bundle bool) {
	k.cosign.t.Helper()
	k.run("sign", k.services(bundle), "--allow-http-registry", "--allow-insecure-registry", reference)
}

// AttestImage adds an attestation of a type to an image, as SignImage does.
func (k *Keyless) AttestImage(reference string, bundle bool, predicateType, predicate string) {
	k.cosign.t.Helper()
	k.run("attest", k.services(bundle), "--type", predicateType, "--predicate", k.write(predicate), "--allow-http-registry", "--allow-insecure-registry", reference)
}

func (k *Keyless) services(bundle bool) []string {
	if bundle {
		return k.newer
	}
	return k.older
}

func (k *Keyless) write(predicate string) string {
	file := filepath.Join(k.cosign.dir, "predicate.json")
	WriteFile(k.cosign.t, file, []byte(predicate))
	return file
}

func (k *Keyless) run(command string, services []string, args ...string) {
	k.cosign.t.Helper()
	k.cosign.run(append(append([]string{command}, services...), args...)...)
}

package module

import (
	"context"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Examined has the signatures of a module.
type Examined struct {
	// Digest is the digest of the manifest or index that is signed, or the sha256 of the module's
	// bytes, with the prefix sha256:.
	Digest string
	Checks []ExaminedCheck
}

// ExaminedCheck has the signatures and attestations of a module, judged by one set of requirements.
type ExaminedCheck struct {
	// Server means the flags of the command judge, and not the spec.
	Server bool
	// Required means a signature has to be there.
	Required bool
	// Found has every signature and attestation, also those that do not count.
	Found []signature.Found
	// Problem says why the requirements are not fulfilled. nil: they are.
	Problem *spec.Error
}

// Examine verifies all signatures and attestations of a module, and remembers nothing. Modules from
// registries are not fetched. The error means the answer is unknown.
func (r *Resolver) Examine(ctx context.Context, m spec.Module) (Examined, *spec.Error) {
	if err := checkBounds(m); err != nil {
		return Examined{}, err
	}
	p := r.ready()
	stored, err := r.signed(ctx, p, m)
	if err != nil {
		return Examined{}, err
	}
	result := Examined{Digest: stored.Digest}
	if result.Digest == "" {
		result.Digest = "sha256:" + stored.SHA256
	}
	for i, required := range []spec.Verify{m.Verify, r.Verify} {
		if !required.Signed() && (i == 0 || len(result.Checks) > 0) {
			continue
		}
		check := ExaminedCheck{Server: i == 1, Required: required.Signed()}
		if check.Found, err = p.signatures.examine(ctx, m, stored, required, r.Verify.TrustedRoot); err != nil {
			if !isOfSignature(err) {
				return result, err
			}
			check.Problem = err
		}
		result.Checks = append(result.Checks, check)
	}
	return result, nil
}

// isOfSignature says whether an error is about signatures that were found, or are missing. Any
// other error leaves the answer open.
func isOfSignature(err *spec.Error) bool {
	switch err.Code {
	case signature.CodeMissing, signature.CodeInvalid, signature.CodeAttestationMissing, signature.CodeAttestationInvalid:
		return true
	}
	return false
}

// signed returns the identity of a module: only the digest if the module is in a registry.
func (r *Resolver) signed(ctx context.Context, p *parts, m spec.Module) (snapshot.Module, *spec.Error) {
	switch {
	case m.File != nil:
		return p.files.fetch(ctx, m, true)
	case m.OCI.Registry != "":
		found, err := p.images.resolveTag(ctx, m)
		return snapshot.Module{Digest: found}, err
	default:
		return p.urls.fetch(ctx, m, true)
	}
}

// examine returns all signatures and attestations of a module, and an error if they do not fulfil
// the requirements.
func (sg *signatures) examine(ctx context.Context, m spec.Module, stored snapshot.Module, required spec.Verify, root *spec.FileRef) ([]signature.Found, *spec.Error) {
	policy, err := sg.roots.Policy(required, root)
	if err == nil && policy.Root == nil && root != nil {
		// No identity is trusted here. The root still proves the names of the signers.
		policy.Root, err = signature.ReadRoot(root)
	}
	if err != nil {
		return nil, signatureError(m, required, err)
	}
	ctx, cancel := context.WithTimeout(ctx, signatureLimit)
	defer cancel()
	var found []signature.Found
	var name, sign string
	if m.OCI.Registry != "" {
		name = m.OCI.WithDigest(stored.Digest).String()
		sign = signature.SignImage(name)
		found, err = sg.examineImage(ctx, m, stored, policy)
	} else {
		name, found, err = sg.examineBeside(ctx, m, stored, policy)
		sign = signature.SignFile(name)
	}
	if err == nil && required.Signed() {
		_, err = policy.Judge(name, sign, found)
	}
	if err != nil {
		return found, signatureError(m, required, err)
	}
	return found, nil
}

func (sg *signatures) examineImage(ctx context.Context, m spec.Module, stored snapshot.Module, policy *signature.Policy) (found []signature.Found, err error) {
	client, err := sg.registry()
	if err != nil {
		return nil, err
	}
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(stored.Digest)}
	err = client.With(ctx, m.OCI, credentialsOf(m), func(ctx context.Context, repository *remote.Repository) error {
		found, err = policy.ExamineImage(ctx, repository, image)
		return err
	})
	return found, err
}

func (sg *signatures) examineBeside(ctx context.Context, m spec.Module, stored snapshot.Module, policy *signature.Policy) (name string, found []signature.Found, err error) {
	name, files, err := sg.beside(ctx, m, true)
	if err != nil {
		return name, nil, err
	}
	file, err := sg.store.Open(stored.SHA256)
	if err != nil {
		return name, nil, err
	}
	defer file.Close()
	return name, policy.ExamineDetached(stored.SHA256, signature.Content{From: file, Size: stored.Size}, files), nil
}

// Signatures returns the signatures and attestations by which a module was accepted, now or in an
// earlier process. nil: none was asked for.
func (r *Resolver) Signatures(m snapshot.Module) []signature.Found {
	return r.ready().signatures.checked.Of(checkedName(m))
}

package module

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// signatureLimit bounds the time to fetch the signatures of a module.
const signatureLimit = time.Minute

// signatures checks the signatures of modules and bundles.
type signatures struct {
	store    *Store
	client   *http.Client
	registry func() (*registry.Client, error)
	checked  *signature.Checked
	roots    signature.Roots
}

// check returns nil if the module has all required signatures and attestations. The spec's own
// requirements apply in addition to the server's, never instead of them.
func (sg *signatures) check(ctx context.Context, m spec.Module, stored snapshot.Module, server spec.Verify) *spec.Error {
	if m.Bundled {
		return nil // the bundle's signature covers this module
	}
	for _, required := range []spec.Verify{m.Verify, server} {
		if !required.Signed() {
			continue
		}
		policy, err := sg.roots.Policy(required, server.TrustedRoot)
		switch {
		case err != nil:
		case m.OCI.Registry != "":
			err = sg.checkPulled(ctx, m, stored, policy)
		default:
			_, err = sg.checked.Do(checkedName(stored), policy, func() ([]signature.Found, error) {
				return sg.verify(ctx, m, stored, policy)
			})
		}
		if err != nil {
			return signatureError(m, required, err)
		}
	}
	return nil
}

// checkedName is the name of a module's content in [signature.Checked]. An image is signed by its
// digest, and everything else by its bytes.
func checkedName(m snapshot.Module) string {
	if m.Digest != "" {
		return "image:" + m.Digest
	}
	return "blob:" + m.SHA256
}

// checkPulled checks the signature of the image from which a module was pulled.
func (sg *signatures) checkPulled(ctx context.Context, m spec.Module, stored snapshot.Module, policy *signature.Policy) error {
	client, err := sg.registry()
	if err != nil {
		return err
	}
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(stored.Digest)}
	return sg.checkImage(ctx, client, m.OCI, credentialsOf(m), image, policy)
}

// checkBundle returns nil if the image of a bundle is signed as the server requires.
func (sg *signatures) checkBundle(ctx context.Context, client *registry.Client, ref spec.Reference, manifest ocispec.Descriptor, server spec.Verify) *spec.Error {
	if !server.Signed() {
		return nil
	}
	policy, err := sg.roots.Policy(server, server.TrustedRoot)
	if err == nil {
		err = sg.checkImage(ctx, client, ref, registry.Credentials{}, manifest, policy)
	}
	if err != nil {
		return signatureError(spec.Module{Pos: spec.Position{File: "oci://" + ref.String()}}, server, err)
	}
	return nil
}

// checkImage checks an image's signature, only once per digest and policy.
func (sg *signatures) checkImage(ctx context.Context, client *registry.Client, ref spec.Reference, from registry.Credentials, image ocispec.Descriptor, policy *signature.Policy) error {
	_, err := sg.checked.Do("image:"+image.Digest.String(), policy, func() (found []signature.Found, err error) {
		ctx, cancel := context.WithTimeout(ctx, signatureLimit)
		defer cancel()
		name := ref.WithDigest(image.Digest.String()).String()
		err = client.With(ctx, ref, from, func(ctx context.Context, repository *remote.Repository) error {
			found, err = policy.VerifyImage(ctx, name, repository, image)
			return err
		})
		return found, err
	})
	return err
}

func (sg *signatures) verify(ctx context.Context, m spec.Module, stored snapshot.Module, policy *signature.Policy) ([]signature.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, signatureLimit)
	defer cancel()
	name, found, err := sg.beside(ctx, m, len(policy.Attestations) > 0)
	if err != nil {
		return nil, err
	}
	file, err := sg.store.Open(stored.SHA256)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return policy.VerifyDetached(name, stored.SHA256, signature.Content{From: file, Size: stored.Size}, found)
}

// beside returns the name of a module, and the files with its signatures. attested says whether its
// attestations matter, too.
func (sg *signatures) beside(ctx context.Context, m spec.Module, attested bool) (name string, found []signature.Detached, err error) {
	if m.File != nil {
		return signaturesBeside(m)
	}
	return sg.at(ctx, m, attested)
}

// signaturesBeside returns the signature files beside a module's file.
func signaturesBeside(m spec.Module) (name string, found []signature.Detached, err error) {
	for _, file := range m.SignatureFiles() {
		text, err := (*regular.Bounds)(m.File.Bounds).Read(file, signature.MaxDetached)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", nil, fmt.Errorf("the signature %s cannot be read: %w", file, err)
		}
		found = append(found, signature.Detached{Name: filepath.Base(file), Text: text})
	}
	return filepath.Base(m.File.Path), found, nil
}

// at fetches the signatures beside a module on its server, and its attestations if they matter.
func (sg *signatures) at(ctx context.Context, m spec.Module, attested bool) (name string, found []signature.Detached, err error) {
	target, err := url.Parse(m.URL)
	if err != nil {
		return "", nil, errors.New("module.url is not a URL")
	}
	suffixes := spec.SignatureSuffixes()
	if attested {
		suffixes = append(suffixes, spec.AttestationSuffix)
	}
	for _, suffix := range suffixes {
		beside := *target
		beside.Path, beside.RawPath = target.Path+suffix, ""
		if target.RawPath != "" {
			beside.RawPath = target.RawPath + suffix
		}
		text, err := sg.oneAt(ctx, &beside)
		if err != nil {
			return "", nil, fmt.Errorf("the signature %s cannot be fetched: %w", redacted(&beside), err)
		}
		if text != nil {
			found = append(found, signature.Detached{Name: path.Base(beside.Path), Text: text})
		}
	}
	return path.Base(target.Path), found, nil
}

// oneAt returns nil if there is no signature.
func (sg *signatures) oneAt(ctx context.Context, at *url.URL) ([]byte, error) {
	response, err := (&download{url: at, client: sg.client}).get(ctx)
	status := &statusError{}
	if errors.As(err, &status) {
		switch status.code {
		case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
			return nil, nil // some servers answer 403 for a missing file
		}
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return regular.ReadAll(response.Body, signature.MaxDetached)
}

// signatureError turns an error of a signature, a key or a trusted root into a spec error. required
// has the requirements that the module does not fulfil.
func signatureError(m spec.Module, required spec.Verify, err error) *spec.Error {
	at := m.Pos
	if problem := (&signature.Error{}); errors.As(err, &problem) {
		if own := faultOf(required, problem); own.Line > 0 {
			at = own
		}
		return &spec.Error{Code: problem.Code, Message: problem.Message, Hint: problem.Hint, Pos: at}
	}
	worded := &spec.Error{
		Code: CodeSignatureUnavailable, Message: err.Error(), Pos: at,
		Hint: "it is looked for again; until then what was served before is served on",
	}
	ofRegistry := &registry.Error{}
	switch {
	case errors.As(err, &ofRegistry):
		worded = ofRegistry.Problem(at)
		worded.Message = "the signature cannot be fetched: " + worded.Message
	case errors.Is(err, errStore):
		worded = storeFailed("whose signature is checked", err)
		worded.Pos = at
	case errors.Is(err, netguard.ErrRefused):
		worded.Code, worded.Hint = CodeAddressRefused, "keep the signature where it may be fetched from"
	}
	return worded
}

// faultOf returns the position of the part of required at which a problem lies. It has no line if
// the problem is the module's own, or if required is the server's.
func faultOf(required spec.Verify, problem *signature.Error) spec.Position {
	switch {
	case problem.Code == signature.CodeKey && len(required.Keys) > 0:
		return required.Keys[0].Pos
	case problem.Code == signature.CodeRoot && required.TrustedRoot != nil:
		return required.TrustedRoot.Pos
	case problem.Code == signature.CodeRoot && len(required.Identities) > 0:
		return required.Identities[0].Pos
	}
	for _, one := range required.Attestations {
		if one.Type == problem.Attestation {
			return one.Pos
		}
	}
	return spec.Position{}
}

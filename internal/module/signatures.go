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

// signatureLimit bounds the time to fetch the signatures of one module.
const signatureLimit = time.Minute

// signatures checks the signatures of modules and bundles.
type signatures struct {
	store    *Store
	client   *http.Client
	registry func() (*registry.Client, error)
	checked  *signature.Checked
}

// check returns nil if the module has all required signatures. The spec's keys apply in addition to
// the server's keys, never instead of them.
func (sg *signatures) check(ctx context.Context, m spec.Module, stored snapshot.Module, serverKeys []string) *spec.Error {
	if m.Bundled {
		return nil // the bundle's signature covers this module
	}
	var own []string
	for _, ref := range m.Keys {
		own = append(own, ref.Path)
	}
	for _, files := range [][]string{own, serverKeys} {
		if len(files) == 0 {
			continue
		}
		keys, err := signature.ReadKeys(files)
		switch {
		case err != nil:
		case m.OCI.Registry != "":
			err = sg.checkPulled(ctx, m, stored, keys)
		default:
			err = sg.checked.Do("blob:"+stored.SHA256, keys, func() (*signature.Key, error) {
				return sg.verify(ctx, m, stored, keys)
			})
		}
		if err != nil {
			return signatureError(m, err)
		}
	}
	return nil
}

// checkPulled checks the signature of the image from which a module was pulled.
func (sg *signatures) checkPulled(ctx context.Context, m spec.Module, stored snapshot.Module, keys signature.Keys) error {
	client, err := sg.registry()
	if err != nil {
		return err
	}
	image := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(stored.Digest)}
	return sg.checkImage(ctx, client, m.OCI, credentialsOf(m), image, keys)
}

// checkBundle returns nil if the image of a bundle is signed by one of the server's keys.
func (sg *signatures) checkBundle(ctx context.Context, client *registry.Client, ref spec.Reference, manifest ocispec.Descriptor, serverKeys []string) *spec.Error {
	if len(serverKeys) == 0 {
		return nil
	}
	keys, err := signature.ReadKeys(serverKeys)
	if err == nil {
		err = sg.checkImage(ctx, client, ref, registry.Credentials{}, manifest, keys)
	}
	if err != nil {
		return signatureError(spec.Module{Pos: spec.Position{File: "oci://" + ref.String()}}, err)
	}
	return nil
}

// checkImage checks an image's signature, only once per digest and key.
func (sg *signatures) checkImage(ctx context.Context, client *registry.Client, ref spec.Reference, from registry.Credentials, image ocispec.Descriptor, keys signature.Keys) error {
	return sg.checked.Do("image:"+image.Digest.String(), keys, func() (key *signature.Key, err error) {
		ctx, cancel := context.WithTimeout(ctx, signatureLimit)
		defer cancel()
		name := ref.WithDigest(image.Digest.String()).String()
		err = client.With(ctx, ref, from, func(ctx context.Context, repository *remote.Repository) error {
			key, err = signature.VerifyImage(ctx, name, repository, []ocispec.Descriptor{image}, keys)
			return err
		})
		return key, err
	})
}

func (sg *signatures) verify(ctx context.Context, m spec.Module, stored snapshot.Module, keys signature.Keys) (*signature.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, signatureLimit)
	defer cancel()
	find := sg.at
	if m.File != nil {
		find = signaturesBeside
	}
	name, found, err := find(ctx, m)
	if err != nil {
		return nil, err
	}
	file, err := sg.store.Open(stored.SHA256)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return signature.VerifyDetached(name, stored.SHA256, signature.Content{From: file, Size: stored.Size}, found, keys)
}

// signaturesBeside returns the signature files beside a module's file.
func signaturesBeside(_ context.Context, m spec.Module) (name string, found []signature.Detached, err error) {
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

// at fetches the signatures beside a module on its server.
func (sg *signatures) at(ctx context.Context, m spec.Module) (name string, found []signature.Detached, err error) {
	target, err := url.Parse(m.URL)
	if err != nil {
		return "", nil, errors.New("module.url is not a URL")
	}
	for _, suffix := range spec.SignatureSuffixes() {
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

// signatureError turns an error of a signature or a key into a spec error.
func signatureError(m spec.Module, err error) *spec.Error {
	at := m.Pos
	if problem := (&signature.Error{}); errors.As(err, &problem) {
		if problem.Code == signature.CodeKey && len(m.Keys) > 0 {
			at = m.Keys[0].Pos
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

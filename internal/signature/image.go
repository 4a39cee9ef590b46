package signature

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
)

const (
	simpleType          = "application/vnd.dev.cosign.simplesigning.v1+json"
	envelopeType        = "application/vnd.dsse.envelope.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// Repository is the repository with an image and the signatures. The repositories of oras implement
// this interface.
type Repository interface {
	Resolve(ctx context.Context, reference string) (ocispec.Descriptor, error)
	Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error)
	Referrers(ctx context.Context, of ocispec.Descriptor, artifactType string, page func([]ocispec.Descriptor) error) error
}

// VerifyImage returns the signature and the attestations of an image, as the policy requires, in
// either format of cosign. Messages show the image as name.
//
// VerifyImage fails with an *[Error] if the image does not fulfil the policy, and with the
// repository's own error if a failed request leaves the answer open.
func (p *Policy) VerifyImage(ctx context.Context, name string, repository Repository, image ocispec.Descriptor) ([]Found, error) {
	look := &search{repository: repository, policy: p}
	look.enough = func() bool {
		_, complete := p.choose(look.found)
		return complete
	}
	err := look.image(ctx, image)
	chosen, problem := p.Judge(name, SignImage(name), look.found)
	if problem != nil && err != nil {
		return nil, err
	}
	return chosen, problem
}

// SignImage is the hint with the command to sign an image.
func SignImage(name string) string { return "sign it with cosign sign --key cosign.key " + name }

// ExamineImage verifies all signatures and attestations of an image, in both formats of cosign. Its
// error is the repository's own.
func (p *Policy) ExamineImage(ctx context.Context, repository Repository, image ocispec.Descriptor) ([]Found, error) {
	look := &search{repository: repository, policy: p, enough: func() bool { return false }}
	err := look.image(ctx, image)
	return look.found, err
}

// search is the state of the search for an image's signatures and attestations.
type search struct {
	repository Repository
	policy     *Policy
	enough     func() bool // ends the search
	found      []Found
	fetched    int64 // bytes
}

// image searches in all places. After an error, signatures may be missing in the result.
func (s *search) image(ctx context.Context, image ocispec.Descriptor) error {
	if image.Digest.Algorithm() != digest.SHA256 {
		s.note("", fmt.Errorf("%s is no sha256", image.Digest))
		return nil
	}
	var failed error
	for _, place := range []func(context.Context, ocispec.Descriptor) error{s.signatureTag, s.referrers, s.attestationTag} {
		if s.enough() {
			return nil
		}
		err := place(ctx, image)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && !errors.Is(err, errdef.ErrNotFound) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// note records a problem of a possible signature.
func (s *search) note(place string, err error) {
	s.found = append(s.found, Found{Kind: KindSignature, Place: place, Problem: err.Error()})
}

// add records a verified signature or attestation.
func (s *search) add(place string, found Found) {
	found.Place = place
	s.found = append(s.found, found)
}

// signatureTag looks at the image with the tag for signatures, which is derived from the digest.
func (s *search) signatureTag(ctx context.Context, image ocispec.Descriptor) error {
	return s.tag(ctx, image, ".sig", simpleType, func(layer ocispec.Descriptor, text []byte) {
		raw, err := base64.StdEncoding.DecodeString(layer.Annotations[signatureAnnotation])
		if err != nil || len(raw) == 0 {
			s.note(layer.Digest.String(), errors.New("a layer without a signature"))
			return
		}
		s.add(layer.Digest.String(), s.policy.verifySimple(text, raw, layer.Annotations, image.Digest.Encoded()))
	})
}

// attestationTag looks at the image with the tag for attestations.
func (s *search) attestationTag(ctx context.Context, image ocispec.Descriptor) error {
	return s.tag(ctx, image, ".att", envelopeType, func(layer ocispec.Descriptor, text []byte) {
		s.add(layer.Digest.String(), s.policy.verifyEnvelope(text, layer.Annotations, image.Digest.Encoded()))
	})
}

// tag calls look for the layers of a type in the image with a tag from the digest.
func (s *search) tag(ctx context.Context, image ocispec.Descriptor, suffix, mediaType string, look func(ocispec.Descriptor, []byte)) error {
	found, err := s.repository.Resolve(ctx, strings.Replace(image.Digest.String(), ":", "-", 1)+suffix)
	if err != nil {
		return err
	}
	return s.layers(ctx, found, mediaType, look)
}

// referrers looks at the bundles with a reference to the image.
func (s *search) referrers(ctx context.Context, image ocispec.Descriptor) error {
	var bundles []ocispec.Descriptor
	errEnough := errors.New("enough")
	err := s.repository.Referrers(ctx, image, "", func(page []ocispec.Descriptor) error {
		for _, one := range page {
			if strings.HasPrefix(one.ArtifactType, bundleType) {
				bundles = append(bundles, one)
			}
		}
		if len(bundles) >= maxSignatures {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, one := range first(bundles) {
		if s.enough() {
			return nil
		}
		err := s.layers(ctx, one, bundleType, func(_ ocispec.Descriptor, text []byte) {
			b, err := readBundle(text)
			if err != nil {
				s.note(one.Digest.String(), err)
				return
			}
			s.add(one.Digest.String(), s.policy.verify(b, subject{digest: image.Digest.Encoded()}))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// layers calls look for the layers of a manifest with a media type beginning with mediaType.
func (s *search) layers(ctx context.Context, at ocispec.Descriptor, mediaType string, look func(ocispec.Descriptor, []byte)) error {
	text, err := s.blob(ctx, at, maxManifest)
	if err != nil || text == nil {
		return err
	}
	manifest := &ocispec.Manifest{}
	if json.Unmarshal(text, manifest) != nil {
		s.note(at.Digest.String(), errors.New("its manifest is no manifest"))
		manifest.Layers = nil
	}
	for _, layer := range first(manifest.Layers) {
		if s.enough() {
			return nil
		}
		if !strings.HasPrefix(layer.MediaType, mediaType) {
			continue
		}
		text, err := s.blob(ctx, layer, maxBlob)
		if err != nil {
			return err
		}
		if text != nil {
			look(layer, text)
		}
	}
	return nil
}

// blob returns nil without an error if the content is too large, and records a problem.
func (s *search) blob(ctx context.Context, at ocispec.Descriptor, most int64) ([]byte, error) {
	if at.Size > most || at.Size > maxFetched-s.fetched {
		s.note(at.Digest.String(), fmt.Errorf("it has %d bytes, more than %d", at.Size, min(most, maxFetched-s.fetched)))
		return nil, nil
	}
	s.fetched += at.Size
	body, err := s.repository.Fetch(ctx, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return content.ReadAll(body, at)
}

func first(all []ocispec.Descriptor) []ocispec.Descriptor { return all[:min(len(all), maxSignatures)] }

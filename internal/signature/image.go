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
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// Repository is the repository with an image and its signatures. The repositories of oras implement
// this interface.
type Repository interface {
	Resolve(ctx context.Context, reference string) (ocispec.Descriptor, error)
	Fetch(ctx context.Context, target ocispec.Descriptor) (io.ReadCloser, error)
	Referrers(ctx context.Context, of ocispec.Descriptor, artifactType string, page func([]ocispec.Descriptor) error) error
}

// VerifyImage returns the key that signed an image, in either format of cosign. images are the
// manifest and its parents, for example an index. A signature of any descriptor in images is
// enough, because each descriptor names the next by digest. Messages show the image as name.
//
// VerifyImage fails with an *[Error] if no trusted key signed the image, and with the repository's
// own error if a failed request leaves the answer open.
func VerifyImage(ctx context.Context, name string, repository Repository, images []ocispec.Descriptor, keys Keys) (*Key, error) {
	look := &search{repository: repository, keys: keys}
	for _, image := range images {
		if image.Digest.Algorithm() != digest.SHA256 {
			look.problems = append(look.problems, fmt.Errorf("%s is no sha256", image.Digest))
			continue
		}
		for _, format := range []func(context.Context, ocispec.Descriptor) (*Key, error){look.tag, look.referrers} {
			key, err := format(ctx, image)
			if key != nil || ctx.Err() != nil {
				return key, ctx.Err()
			}
			if err != nil && !errors.Is(err, errdef.ErrNotFound) {
				look.failed = errors.Join(look.failed, err)
			}
		}
	}
	switch {
	case look.failed != nil:
		return nil, look.failed
	case len(look.problems) == 0:
		return nil, missing(name, "sign it with cosign sign --key cosign.key "+name)
	default:
		return nil, invalid(name, look.problems)
	}
}

// search is the state of the search for an image's signature.
type search struct {
	repository Repository
	keys       Keys
	problems   []error // faults of the signatures that were found
	failed     error   // why some signatures may not have been found
}

// tag checks the signatures in the image with the tag that is derived from the digest.
func (s *search) tag(ctx context.Context, image ocispec.Descriptor) (*Key, error) {
	found, err := s.repository.Resolve(ctx, strings.Replace(image.Digest.String(), ":", "-", 1)+".sig")
	if err != nil {
		return nil, err
	}
	manifest, err := s.manifest(ctx, found)
	if manifest == nil {
		return nil, err
	}
	for _, layer := range first(manifest.Layers) {
		if layer.MediaType != simpleType {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(layer.Annotations[signatureAnnotation])
		if err != nil || len(raw) == 0 {
			s.problems = append(s.problems, errors.New("a layer without a signature"))
			continue
		}
		text, err := s.blob(ctx, layer, maxBlob)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		key, err := verifySimple(text, raw, image.Digest.Encoded(), s.keys)
		if err == nil {
			return key, nil
		}
		s.problems = append(s.problems, err)
	}
	return nil, nil
}

// referrers checks the bundles that refer to the image.
func (s *search) referrers(ctx context.Context, image ocispec.Descriptor) (*Key, error) {
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
		return nil, err
	}
	for _, one := range first(bundles) {
		key, err := s.bundle(ctx, one, image)
		if key != nil || err != nil {
			return key, err
		}
	}
	return nil, nil
}

func (s *search) bundle(ctx context.Context, found, image ocispec.Descriptor) (*Key, error) {
	manifest, err := s.manifest(ctx, found)
	if manifest == nil {
		return nil, err
	}
	for _, layer := range first(manifest.Layers) {
		if !strings.HasPrefix(layer.MediaType, bundleType) {
			continue
		}
		text, err := s.blob(ctx, layer, maxBlob)
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		key, err := verifyBundle(text, subject{digest: image.Digest.Encoded()}, s.keys)
		if err == nil {
			return key, nil
		}
		s.problems = append(s.problems, err)
	}
	return nil, nil
}

// manifest returns nil without an error if the content is no manifest, and records a problem.
func (s *search) manifest(ctx context.Context, at ocispec.Descriptor) (*ocispec.Manifest, error) {
	text, err := s.blob(ctx, at, maxManifest)
	if text == nil {
		return nil, err
	}
	manifest := &ocispec.Manifest{}
	if json.Unmarshal(text, manifest) != nil {
		s.problems = append(s.problems, errors.New("its manifest is no manifest"))
		manifest = nil
	}
	return manifest, nil
}

// blob returns nil without an error if the content is too large, and records a problem.
func (s *search) blob(ctx context.Context, at ocispec.Descriptor, most int64) ([]byte, error) {
	if at.Size > most {
		s.problems = append(s.problems, fmt.Errorf("it has %d bytes, more than %d", at.Size, most))
		return nil, nil
	}
	body, err := s.repository.Fetch(ctx, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return content.ReadAll(body, at)
}

func first(all []ocispec.Descriptor) []ocispec.Descriptor { return all[:min(len(all), maxSignatures)] }

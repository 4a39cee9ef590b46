package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// MaxManifest is the size limit of a manifest or index, in bytes. The OCI distribution
// specification asks registries to accept 4 MiB.
const MaxManifest = 4 << 20

// Manifest fetches and verifies the manifest or index that ref names. Its error is an *Error.
func (c *Client) Manifest(ctx context.Context, ref Reference, from Credentials) (ocispec.Descriptor, []byte, error) {
	var found ocispec.Descriptor
	var text []byte
	err := c.With(ctx, ref, from, func(ctx context.Context, repository *remote.Repository) error {
		described, body, err := repository.FetchReference(ctx, ref.Target())
		if err != nil {
			return err
		}
		defer body.Close()
		if described.Size > MaxManifest {
			return fmt.Errorf("the manifest has %d bytes, more than the %d that one may have", described.Size, MaxManifest)
		}
		found = described
		text, err = content.ReadAll(body, described)
		return err
	})
	return found, text, asError(ref, err)
}

// Blob fetches a blob of ref's repository. If the bytes do not match the descriptor, the last Read
// fails, so callers must read to the end before they use the bytes. All errors are *Error.
func (c *Client) Blob(ctx context.Context, ref Reference, from Credentials, described ocispec.Descriptor) (io.ReadCloser, error) {
	var body io.ReadCloser
	err := c.With(ctx, ref, from, func(ctx context.Context, repository *remote.Repository) error {
		if err := described.Digest.Validate(); err != nil || described.Size < 0 {
			return fmt.Errorf("the manifest names a blob with the digest %q and the size %d", described.Digest, described.Size)
		}
		var err error
		body, err = repository.Blobs().Fetch(ctx, described)
		return err
	})
	if err != nil {
		return nil, asError(ref, err)
	}
	return &blob{Closer: body, verified: content.NewVerifyReader(body, described), ref: ref}, nil
}

// BlobBytes is like [Client.Blob], with a size limit of limit bytes.
func (c *Client) BlobBytes(ctx context.Context, ref Reference, from Credentials, described ocispec.Descriptor, limit int64) ([]byte, error) {
	if described.Size > limit {
		return nil, asError(ref, fmt.Errorf("the blob %s has %d bytes, more than %d", described.Digest, described.Size, limit))
	}
	body, err := c.Blob(ctx, ref, from, described)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}

// blob reads a blob. If the bytes are wrong, the reader ends with an error instead of io.EOF.
type blob struct {
	io.Closer
	verified *content.VerifyReader
	ref      Reference
}

// Read implements io.Reader.
func (b *blob) Read(p []byte) (int, error) {
	n, err := b.verified.Read(p)
	if errors.Is(err, io.EOF) {
		if err := b.verified.Verify(); err != nil {
			return n, asError(b.ref, err)
		}
		return n, io.EOF
	}
	if err != nil {
		err = asError(b.ref, err)
	}
	return n, err
}

// query matches the part of a URL that may contain a signature.
var query = regexp.MustCompile(`\?[^\s"]*`)

// asError makes every error an *Error. Any unknown error counts as a corrupt answer.
func asError(ref Reference, err error) error {
	if err == nil {
		return nil
	}
	known := &Error{}
	if errors.As(ErrorOf(ref, err), &known) {
		return known
	}
	words := clean(query.ReplaceAllString(err.Error(), ""))
	switch {
	case errors.Is(err, content.ErrMismatchedDigest):
		words = "the registry sent bytes that do not match their digest"
	case errors.Is(err, content.ErrTrailingData):
		words = "the registry sent more bytes than the manifest says"
	}
	return &Error{Code: CodeCorrupt, Registry: ref.Registry, What: ref.String(), Words: words, Retryable: true, err: err}
}

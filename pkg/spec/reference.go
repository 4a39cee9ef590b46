package spec

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Reference names an artifact in an OCI registry. A parsed reference has a Tag, a Digest, or both.
// With both, the Digest decides, and the Tag is only the name.
type Reference struct {
	Registry   string // host, or host:port
	Repository string
	Tag        string // "latest" where nothing was written
	Digest     string // "latest" if the reference has neither tag nor digest
}

const (
	maxReference = 1 << 10
	defaultTag   = "latest"
	dockerHub    = "docker.io"
)

var (
	hostPattern       = regexp.MustCompile(`^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$`)
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`)
	tagPattern        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestPattern     = regexp.MustCompile(`^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)
)

// ParseReference reads registry/repository:tag, registry/repository@digest or both, with or without
// oci:// in front. A reference without tag and digest gets the tag latest, as usual. The error
// names the invalid part.
func ParseReference(text string) (Reference, error) {
	var r Reference
	rest := strings.TrimPrefix(text, "oci://")
	if len(rest) > maxReference {
		return r, fmt.Errorf("is longer than %d characters", maxReference)
	}
	if strings.Contains(rest, "://") {
		return r, errors.New("is a URL; write registry/repository:tag, without a scheme")
	}
	host, path, ok := strings.Cut(rest, "/")
	if !ok || !isHost(host) {
		return r, errors.New("names no registry; write registry/repository:tag, as in ghcr.io/team/filter:v1")
	}
	r.Registry = host
	path, digest, pinned := strings.Cut(path, "@")
	r.Digest = digest
	path, tag, tagged := strings.Cut(path, ":")
	r.Repository, r.Tag = path, tag
	switch {
	case strings.Contains(host, "@"):
		return Reference{}, errors.New("has credentials before the registry; put them into a pull secret or into Docker's configuration")
	case !hostPattern.MatchString(host):
		return Reference{}, fmt.Errorf("has the registry %q, which is no host or host:port", brief(host))
	case !repositoryPattern.MatchString(path):
		return Reference{}, fmt.Errorf("has the repository %q; one has lower case letters, digits and . _ - /", brief(path))
	case tagged && !tagPattern.MatchString(tag):
		return Reference{}, fmt.Errorf("has the tag %q; one has up to 128 letters, digits and . _ -", brief(tag))
	case pinned && !digestPattern.MatchString(digest):
		return Reference{}, fmt.Errorf("has the digest %q; one is sha256: and 64 lower case hexadecimal digits", brief(digest))
	case !tagged && !pinned:
		r.Tag = defaultTag
	}
	if r.Registry == dockerHub && !strings.Contains(r.Repository, "/") {
		r.Repository = "library/" + r.Repository
	}
	return r, nil
}

// isHost distinguishes a registry from the first part of a repository, by Docker's rule.
func isHost(text string) bool {
	return text == "localhost" || strings.ContainsAny(text, ".:[")
}

// Pinned reports whether the reference always means the same bytes.
func (r Reference) Pinned() bool { return r.Digest != "" }

// Target returns the digest, or else the tag, for a request to the registry.
func (r Reference) Target() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// String returns the reference as written, without oci://; "" for the zero value.
func (r Reference) String() string {
	if r.Registry == "" {
		return ""
	}
	text := r.Registry + "/" + r.Repository
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// WithDigest returns the reference with another digest and the same tag.
func (r Reference) WithDigest(digest string) Reference {
	r.Digest = digest
	return r
}

package translate

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Variant is how the module travels.
type Variant = snapshot.Variant

// The variants.
const (
	Remote = snapshot.Remote
	Inline = snapshot.Inline
	File   = snapshot.File
)

// SaltLen is the length of a salt: lowercase hex digits.
const SaltLen = 16

// DefaultTimeout bounds Envoy's fetch of a module: 32 MiB, the largest module that Envoy fetches,
// at half a megabyte a second.
const DefaultTimeout = 60 * time.Second

// TokenParameter is the query parameter with the salt in a remote module's URL. The salt tells the
// module server which push a fetch belongs to.
const TokenParameter = "t"

// saltDirectory begins the watched_directory with the salt of an inline or file resource.
// Envoy's Wasm extension watches no directory: the field changes the bytes, and the VM stays the
// same.
const saltDirectory = "/wasm-xds/salt/"

// Code is the place of the module. Resource ignores the fields of other variants.
type Code struct {
	Variant Variant

	Bytes []byte // inline: the module

	Path string // file: the module's path as Envoy sees it

	URL     string        // remote: absolute, http or https
	Cluster string        // remote: the Envoy cluster that reaches the URL
	Timeout time.Duration // remote: for the whole fetch; 0 is [DefaultTimeout]
}

// source returns the code for the VM's config, with the salt.
func (c Code) source(m snapshot.Module, salt string) (*corev3.AsyncDataSource, error) {
	if err := checkSalt(salt); err != nil {
		return nil, err
	}
	switch c.Variant {
	case Remote:
		return c.remote(m, salt)
	case Inline:
		if len(c.Bytes) == 0 {
			return nil, errors.New("inline code without a module")
		}
		return local(&corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: c.Bytes}}, salt), nil
	case File:
		return local(&corev3.DataSource{Specifier: &corev3.DataSource_Filename{Filename: c.Path}}, salt), nil
	default:
		return nil, fmt.Errorf("unknown %v", c.Variant)
	}
}

func (c Code) remote(m snapshot.Module, salt string) (*corev3.AsyncDataSource, error) {
	address, err := tokenURL(c.URL, salt)
	if err != nil {
		return nil, err
	}
	if err := checkSHA256(m.SHA256); err != nil {
		return nil, err
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	// No retry policy: with nack_on_code_cache_miss Envoy fetches once and ignores the policy; the
	// next push is the retry.
	return &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Remote{
		Remote: &corev3.RemoteDataSource{
			HttpUri: &corev3.HttpUri{
				Uri:              address,
				HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: c.Cluster},
				Timeout:          durationpb.New(timeout),
			},
			Sha256: m.SHA256,
		},
	}}, nil
}

func local(source *corev3.DataSource, salt string) *corev3.AsyncDataSource {
	source.WatchedDirectory = &corev3.WatchedDirectory{Path: saltDirectory + salt}
	return &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Local{Local: source}}
}

// tokenURL puts the salt at the end of the URL's query.
func tokenURL(address, salt string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return "", fmt.Errorf("module URL: %w", err)
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", fmt.Errorf("module URL %q is not an absolute http or https URL", u.Redacted())
	case u.Fragment != "":
		return "", fmt.Errorf("module URL %q has a fragment, which is never sent", u.Redacted())
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += TokenParameter + "=" + salt
	return u.String(), nil
}

func checkSalt(salt string) error {
	if !snapshot.IsHex(salt, SaltLen) {
		return fmt.Errorf("salt %q is not %d lowercase hex digits", salt, SaltLen)
	}
	return nil
}

// checkSHA256 refuses a digest that Envoy would accept and then answer with 503, because Envoy
// compares the digits as text.
func checkSHA256(sum string) error {
	if !snapshot.IsSHA256(sum) {
		return fmt.Errorf("module sha256 %q is not 64 lowercase hex digits", sum)
	}
	return nil
}

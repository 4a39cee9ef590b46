package etcdclient

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// DefaultPrefix is the prefix of all keys if the flags name none.
const DefaultPrefix = "/wasm-xds"

// Config has the values of the flags. The zero value means no etcd.
type Config struct {
	// Endpoints are the members, each as host:port, http://host:port or https://host:port. nil
	// means no etcd.
	Endpoints []string
	// Prefix begins all keys. "" means [DefaultPrefix].
	Prefix string
	// CAFile has the CAs of the members, in PEM form. "" means the system's CAs.
	CAFile string
	// CertFile and KeyFile are the certificate for etcd and its private key, in PEM form. "" means
	// no certificate.
	CertFile, KeyFile string
	// User is the name of etcd's user, and PasswordFile the file with the password. "" means that
	// the certificate alone names the client.
	User, PasswordFile string
	// SecretKeyFile has the keys that seal contents in etcd, in the form of seal.ReadFile. "" means
	// plain contents.
	SecretKeyFile string
}

// IsOn says whether there is an etcd.
func (c Config) IsOn() bool { return len(c.Endpoints) > 0 }

// mostEndpoints bounds the members. An etcd has seven at most.
const mostEndpoints = 32

// Check returns the first contradiction among the values. It reads no file. The error is a
// [spec.Error] with the flags' names.
func (c Config) Check() error {
	problem := func(hint, format string, args ...any) error {
		return &spec.Error{Code: CodeConfig, Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	if !c.IsOn() {
		for _, one := range []struct{ flag, value string }{
			{"--etcd-ca-file", c.CAFile},
			{"--etcd-cert-file", c.CertFile},
			{"--etcd-key-file", c.KeyFile},
			{"--etcd-user", c.User},
			{"--etcd-password-file", c.PasswordFile},
			{"--etcd-secret-key-file", c.SecretKeyFile},
		} {
			if one.value != "" {
				return problem("name the members with --etcd-endpoints host:port,…", "%s is given without --etcd-endpoints", one.flag)
			}
		}
		return nil
	}
	if len(c.Endpoints) > mostEndpoints {
		return problem("name some members of one etcd", "--etcd-endpoints names %d members, and %d are the most", len(c.Endpoints), mostEndpoints)
	}
	if _, err := c.addresses(); err != nil {
		return err
	}
	switch prefix := c.prefix(); {
	case !strings.HasPrefix(prefix, "/"), strings.HasSuffix(prefix, "/"), strings.Contains(prefix, "//"):
		return problem("as --etcd-prefix "+DefaultPrefix, "--etcd-prefix %q must begin with a slash, and neither end with one nor have two together", c.Prefix)
	case len(prefix) > mostPrefix || !isPlain(prefix):
		return problem("as --etcd-prefix "+DefaultPrefix, "--etcd-prefix %q has more than %d bytes, or a character that is no visible ASCII", c.Prefix, mostPrefix)
	}
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		return problem("give its private key with --etcd-key-file", "--etcd-cert-file is given without the key")
	case c.CertFile == "" && c.KeyFile != "":
		return problem("give its certificate with --etcd-cert-file", "--etcd-key-file is given without the certificate")
	case c.User != "" && c.PasswordFile == "":
		return problem("give a file with the user's password with --etcd-password-file", "--etcd-user is given without a password")
	case c.User == "" && c.PasswordFile != "":
		return problem("name the user with --etcd-user", "--etcd-password-file is given without the user")
	}
	return nil
}

const mostPrefix = 200

func isPlain(text string) bool {
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return true
}

func (c Config) prefix() string {
	if c.Prefix == "" {
		return DefaultPrefix
	}
	return c.Prefix
}

func (c Config) addresses() ([]string, error) {
	return addressesOf(c.Endpoints, c.CAFile != "" || c.CertFile != "")
}

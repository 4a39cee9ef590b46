package spiffe

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"

	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// identity is an answer of the agent. An identity never changes.
type identity struct {
	*tlsserver.Material
	id  spiffeid.ID
	sum [sha256.Size]byte // of all that counts
}

// newIdentity turns an answer of the agent into material. The clients of the allowed trust domains
// may connect; without any, those of the server's own.
func newIdentity(x *workloadapi.X509Context, allowed []spiffeid.TrustDomain) (*identity, error) {
	if len(x.SVIDs) == 0 {
		return nil, errors.New("it has no certificate")
	}
	svid := x.DefaultSVID()
	pair := tls.Certificate{PrivateKey: svid.PrivateKey}
	sum := sha256.New()
	add := func(der []byte) {
		one := sha256.Sum256(der)
		_, _ = sum.Write(one[:]) // never fails
	}
	for _, c := range svid.Certificates {
		pair.Certificate = append(pair.Certificate, c.Raw)
		add(c.Raw)
	}
	m, err := tlsserver.NewMaterial(pair)
	if err != nil {
		return nil, err
	}
	if len(allowed) == 0 {
		allowed = []spiffeid.TrustDomain{svid.ID.TrustDomain()}
	}
	m.ClientCAs = x509.NewCertPool()
	for _, domain := range allowed {
		add([]byte(domain.Name()))
		bundle, ok := x.Bundles.Get(domain)
		if !ok {
			continue // a federated trust domain may come later
		}
		for _, ca := range bundle.X509Authorities() {
			m.ClientCAs.AddCert(ca)
			add(ca.Raw)
		}
	}
	m.CheckClient = checkClient(x.Bundles, allowed)
	i := &identity{Material: m, id: svid.ID}
	sum.Sum(i.sum[:0])
	return i, nil
}

// checkClient returns a check of clients: a SPIFFE ID of an allowed trust domain, and a certificate
// with the signature of an authority of this same trust domain.
func checkClient(bundles *x509bundle.Set, allowed []spiffeid.TrustDomain) func([]*x509.Certificate, time.Time) error {
	return func(chain []*x509.Certificate, now time.Time) error {
		if len(chain) == 0 {
			return errors.New("it has no certificate")
		}
		id, err := x509svid.IDFromCert(chain[0])
		if err != nil {
			return errors.New("its certificate has no SPIFFE ID")
		}
		if !slices.Contains(allowed, id.TrustDomain()) {
			return fmt.Errorf("the trust domain of its SPIFFE ID %s is not among %s", id, names(allowed))
		}
		if _, _, err := x509svid.Verify(chain, bundles, x509svid.WithTime(now)); err != nil {
			return fmt.Errorf("no authority of its own trust domain has signed the certificate of %s", id)
		}
		return nil
	}
}

func names(domains []spiffeid.TrustDomain) string {
	var all []string
	for _, d := range domains {
		all = append(all, d.Name())
	}
	return strings.Join(all, ", ")
}

// domain parses the name of a trust domain.
func domain(name string) (spiffeid.TrustDomain, error) {
	d, err := spiffeid.TrustDomainFromString(name)
	if err != nil {
		return d, errors.New("a trust domain is a name such as example.org")
	}
	return d, nil
}

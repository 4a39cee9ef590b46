package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// issuerOID is Fulcio's extension with the issuer of the token, as a DER string.
var issuerOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}

// authority issues certificates for ten minutes.
type authority struct {
	root, intermediate *x509.Certificate
	rootKey, key       *ecdsa.PrivateKey // key is the intermediate's
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{rootKey: newKey(t), key: newKey(t)}
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"test"}},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
		}
	}
	a.root = a.sign(t, ca("root"), nil, a.rootKey.Public(), a.rootKey)
	intermediate := ca("intermediate")
	intermediate.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
	a.intermediate = a.sign(t, intermediate, a.root, a.key.Public(), a.rootKey)
	return a
}

func (a *authority) sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// Token returns a token for a subject. Nobody checks the signature.
func Token(subject, issuer string) string {
	claims := map[string]any{
		"iss": issuer, "sub": subject, "aud": "sigstore", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if isEmail(subject) {
		claims["email"], claims["email_verified"] = subject, true
	}
	text, _ := json.Marshal(claims) // strings and numbers
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode(text) + "." + encode([]byte("signature"))
}

func isEmail(subject string) bool {
	return strings.Contains(subject, "@") && !strings.Contains(subject, "://")
}

// handler implements the part of Fulcio's API for certificates.
func (a *authority) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", func(w http.ResponseWriter, r *http.Request) {
		leaf, err := a.issue(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		chain := []string{toPEM(leaf), toPEM(a.intermediate.Raw), toPEM(a.root.Raw)}
		_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": chain}}})
	})
	return mux
}

// issue returns the certificate for a request, in DER.
func (a *authority) issue(r *http.Request) ([]byte, error) {
	var ask struct {
		PublicKeyRequest struct {
			PublicKey struct{ Content string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		return nil, err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey([]byte(ask.PublicKeyRequest.PublicKey.Content))
	if err != nil {
		return nil, err
	}
	parts := strings.Split(r.Header.Get("Authorization"), ".")
	if len(parts) != 3 {
		return nil, errors.New("no token")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, err
	}
	var claims struct{ Iss, Sub string }
	if err := json.Unmarshal(text, &claims); err != nil {
		return nil, err
	}
	issuer, err := asn1.MarshalWithParams(claims.Iss, "utf8")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: issuerOID, Value: issuer}},
	}
	if isEmail(claims.Sub) {
		template.EmailAddresses = []string{claims.Sub}
	} else {
		subject, err := url.Parse(claims.Sub)
		if err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{subject}
	}
	return x509.CreateCertificate(rand.Reader, template, a.intermediate, public, a.key)
}

func toPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

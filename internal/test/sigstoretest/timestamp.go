package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
)

// stamps is a timestamp authority.
type stamps struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newStamps(t testing.TB, by *authority) stamps {
	t.Helper()
	s := stamps{key: newKey(t)}
	// The use of the key has to be critical, which CreateCertificate does not do by itself.
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		t.Fatal(err)
	}
	s.certificate = by.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "stamps", Organization: []string{"test"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}, by.root, s.key.Public(), by.rootKey)
	return s
}

// handler answers timestamp queries.
func (s stamps) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := s.answer(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer)
	})
}

func (s stamps) answer(query io.Reader) ([]byte, error) {
	text, err := io.ReadAll(query)
	if err != nil {
		return nil, err
	}
	ask, err := timestamp.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	stamp := timestamp.Timestamp{
		HashAlgorithm: ask.HashAlgorithm, HashedMessage: ask.HashedMessage, Nonce: ask.Nonce, Time: time.Now(),
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: ask.Certificates,
	}
	return stamp.CreateResponseWithOpts(s.certificate, s.key, crypto.SHA256)
}

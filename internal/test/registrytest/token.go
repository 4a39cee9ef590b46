package registrytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	tokenPath    = "/token"
	tokenIssuer  = "registrytest"
	tokenService = "registrytest"
	tokenKey     = "registrytest"
)

// claims are the claims of a token, in the format of distribution:
// https://distribution.github.io/distribution/spec/auth/jwt/
type claims struct {
	jwt.Claims
	Access []access `json:"access"`
}

// access lists the allowed actions for one repository.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// tokenServer gives any token to clients with valid credentials.
type tokenServer struct {
	user, password string
	signer         jose.Signer
}

// newTokenServer makes a token server, and a file with the key that the registry trusts.
func newTokenServer(t testing.TB, user, password string) (*tokenServer, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: tokenKey}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	keys := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: tokenKey, Algorithm: string(jose.ES256), Use: "sig"}}}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &tokenServer{user: user, password: password, signer: signer}, file
}

// ServeHTTP answers GET /token?service=…&scope=… in the format of distribution.
func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	user, password, _ := r.BasicAuth()
	if s.user != "" && (user != s.user || subtle.ConstantTimeCompare([]byte(password), []byte(s.password)) == 0) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`))
		return
	}
	now := time.Now()
	claims := claims{Claims: jwt.Claims{
		Issuer: tokenIssuer, Subject: user, Audience: jwt.Audience{tokenService},
		Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)),
		IssuedAt: jwt.NewNumericDate(now),
	}}
	for _, scope := range r.URL.Query()["scope"] {
		for one := range strings.FieldsSeq(scope) {
			kind, rest, _ := strings.Cut(one, ":")
			at := strings.LastIndexByte(rest, ':')
			if at < 0 {
				continue
			}
			claims.Access = append(claims.Access, access{
				Type: kind, Name: rest[:at], Actions: strings.Split(rest[at+1:], ","),
			})
		}
	}
	signed, err := jwt.Signed(s.signer).Claims(claims).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": signed, "expires_in": 300})
}

package sigstoretest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-openapi/runtime"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/rekor/pkg/types"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1" // the kinds of entries that cosign logs
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
)

// log is a transparency log. Each entry is the only leaf of a tree.
type log struct {
	key   *ecdsa.PrivateKey
	id    string
	count *atomic.Int64
}

func newLog(t testing.TB) log {
	t.Helper()
	key := newKey(t)
	return log{key: key, id: hex.EncodeToString(keyID(t, key.Public())), count: &atomic.Int64{}}
}

// handler implements the part of Rekor's API for a new entry.
func (l log) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/log/entries", func(w http.ResponseWriter, r *http.Request) {
		uuid, entry, err := l.add(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", uuid)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{uuid: entry})
	})
	return mux
}

// add returns the entry for a request, with the log's promise and proof.
func (l log) add(r *http.Request) (uuid string, entry map[string]any, err error) {
	proposed, err := models.UnmarshalProposedEntry(r.Body, runtime.JSONConsumer())
	if err != nil {
		return "", nil, err
	}
	parsed, err := types.CreateVersionedEntry(proposed)
	if err != nil {
		return "", nil, err
	}
	body, err := types.CanonicalizeEntry(context.Background(), parsed)
	if err != nil {
		return "", nil, err
	}
	leaf := sha256.Sum256(append([]byte{0}, body...))
	signer, err := signature.LoadECDSASignerVerifier(l.key, crypto.SHA256)
	if err != nil {
		return "", nil, err
	}
	checkpoint, err := util.CreateAndSignCheckpoint(context.Background(), strings.TrimPrefix(r.Host, "http://"), 1, 1, leaf[:], signer)
	if err != nil {
		return "", nil, err
	}
	entry = map[string]any{
		"body": base64.StdEncoding.EncodeToString(body), "integratedTime": time.Now().Unix(),
		"logID": l.id, "logIndex": 100 + l.count.Add(1),
	}
	signed, err := json.Marshal(entry) // the keys of a map are sorted, as the canonical form asks for
	if err != nil {
		return "", nil, err
	}
	promise, err := signer.SignMessage(bytes.NewReader(signed))
	if err != nil {
		return "", nil, err
	}
	entry["verification"] = map[string]any{
		"signedEntryTimestamp": promise,
		"inclusionProof": map[string]any{
			"checkpoint": string(checkpoint), "hashes": []string{}, "logIndex": 0,
			"rootHash": hex.EncodeToString(leaf[:]), "treeSize": 1,
		},
	}
	return hex.EncodeToString(leaf[:]), entry, nil
}

package signature_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

// mutations calls with for each JSON value without a part of value, or with another value there.
func mutations(value any, with func(path string, changed any)) {
	others := []any{nil, "", "AAAA", 0, -1, []any{}, []any{nil}, map[string]any{}}
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			change := func(path string, changed any, gone bool) {
				copied := map[string]any{}
				for n, v := range value {
					copied[n] = v
				}
				copied[name] = changed
				if gone {
					delete(copied, name)
				}
				with("."+name+path, copied)
			}
			change(" missing", nil, true)
			for _, other := range others {
				change(fmt.Sprintf(" = %#v", other), other, false)
			}
			mutations(inner, func(path string, changed any) { change(path, changed, false) })
		}
	case []any:
		for i, inner := range value {
			mutations(inner, func(path string, changed any) {
				copied := append([]any{}, value...)
				copied[i] = changed
				with(fmt.Sprintf("[%d]%s", i, path), copied)
			})
		}
	}
}

// A bundle with any part missing or wrong is verified or refused, and ends nothing. Only parts
// without proof may be missing.
func TestEachPartOfABundle(t *testing.T) {
	s := sigstoretest.Start(t)
	p := policyFor(t, s.WriteRoot(t, sigstoretest.Root{}))
	who := sigstoretest.Who{Subject: team.Subject, Issuer: team.Issuer, Stamped: true}
	for kind, text := range map[string][]byte{
		"bytes": s.SignBlob(t, who, module), "statement": s.Attest(t, who, statementOf(t, digest.FromBytes(module), sigstoretest.SignType)),
	} {
		var good map[string]any
		if err := json.Unmarshal(text, &good); err != nil {
			t.Fatal(err)
		}
		refused, accepted := 0, 0
		try := func(changed any) {
			found := p.ExamineDetached(digest.FromBytes(module).Encoded(), contentOf(module), []signature.Detached{{Name: "x", Text: marshal(t, changed)}})
			if found[0].Problem == "" {
				accepted++
			} else {
				refused++
			}
		}
		mutations(good, func(_ string, changed any) { try(changed) })
		// The log's entry is JSON within JSON.
		material := good["verificationMaterial"].(map[string]any)
		entry := material["tlogEntries"].([]any)[0].(map[string]any)
		body, err := base64.StdEncoding.DecodeString(entry["canonicalizedBody"].(string))
		if err != nil {
			t.Fatal(err)
		}
		var inner any
		if err := json.Unmarshal(body, &inner); err != nil {
			t.Fatal(err)
		}
		ofEntry := accepted
		mutations(inner, func(path string, changed any) {
			entry["canonicalizedBody"] = marshal(t, changed)
			before := accepted
			if try(good); accepted > before {
				t.Errorf("%s: the entry of the log with %s is accepted", kind, path)
			}
		})
		if accepted = ofEntry; accepted == 0 || refused < 10*accepted {
			t.Errorf("%s: %d of the changed bundles are accepted, %d are refused", kind, accepted, refused)
		}
	}
}

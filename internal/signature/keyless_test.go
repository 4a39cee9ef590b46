package signature_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	team  = sigstoretest.Who{Subject: "team@example.com", Issuer: "https://issuer.example.com"}
	other = sigstoretest.Who{Subject: "other@example.com", Issuer: team.Issuer}
	robot = sigstoretest.Who{Subject: "https://ci.example.com/team/auth/.github/workflows/build.yml@refs/heads/main", Issuer: "https://ci.example.com"}
)

const provenance = "https://slsa.dev/provenance/v0.2"

// policyFor reads a policy with trust in team, and with attestations of some types.
func policyFor(t testing.TB, root string, types ...string) *signature.Policy {
	t.Helper()
	of := spec.Verify{Identities: []spec.Identity{{Subject: team.Subject, Issuer: team.Issuer}}}
	for _, one := range types {
		of.Attestations = append(of.Attestations, spec.Attestation{Type: one, As: spec.PredicateName(one)})
	}
	return readPolicy(t, of, root)
}

func readPolicy(t testing.TB, of spec.Verify, root string) *signature.Policy {
	t.Helper()
	p, err := signature.ReadPolicy(of, &spec.FileRef{Path: root})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signed adds a signature of the image in cosign's newer format.
func (r *repository) signed(t testing.TB, s *sigstoretest.Sigstore, who sigstoretest.Who) {
	r.attested(t, s, who, r.image.Digest, sigstoretest.SignType)
}

// attested adds a statement about a digest in cosign's newer format.
func (r *repository) attested(t testing.TB, s *sigstoretest.Sigstore, who sigstoretest.Who, of digest.Digest, predicate string) {
	r.referring(t, s.Attest(t, who, statementOf(t, of, predicate)))
}

func statementOf(t testing.TB, of digest.Digest, predicate string) []byte {
	return sigstoretest.Statement(t, of.Encoded(), predicate, map[string]any{"builder": map[string]any{"id": "https://ci.example.com/builder"}})
}

func TestKeyless(t *testing.T) {
	s := sigstoretest.Start(t)
	root := s.WriteRoot(t, sigstoretest.Root{})
	started := time.Now().Add(-time.Second).Truncate(time.Second)
	for name, who := range map[string]sigstoretest.Who{
		"in the log": team, "in the log, with a timestamp": {Subject: team.Subject, Issuer: team.Issuer, Stamped: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			r.signed(t, s, other)
			r.signed(t, s, who)
			r.attested(t, s, who, r.image.Digest, provenance)
			blob := signature.Detached{Name: "m.wasm.sigstore.json", Text: s.SignBlob(t, who, module)}
			lines := append(s.Attest(t, who, statementOf(t, digest.FromBytes(module), provenance)), '\n')
			requests := s.Requests()
			image, err := r.verifyBy(t, policyFor(t, root, provenance))
			if err != nil {
				t.Fatal(err)
			}
			file, err := verifyBy(policyFor(t, root, provenance), blob, signature.Detached{Name: "m.wasm.intoto.jsonl", Text: lines})
			if err != nil {
				t.Fatal(err)
			}
			for what, found := range map[string][]signature.Found{"image": image, "file": file} {
				if len(found) != 2 || found[0].Kind != signature.KindSignature || found[1].PredicateType != provenance {
					t.Fatalf("%s: %+v", what, found)
				}
				for _, one := range found {
					if one.Subject != team.Subject || one.Issuer != team.Issuer || one.Log != s.Rekor || one.LogIndex <= 100 || one.Time.Before(started) || one.TimeBy == "" || one.Key != "" {
						t.Errorf("%s: %+v", what, one)
					}
				}
				if found[1].Builder != "https://ci.example.com/builder" {
					t.Errorf("%s: the builder is %q", what, found[1].Builder)
				}
			}
			if now := s.Requests(); now != requests {
				t.Errorf("%d requests were made to verify", now-requests)
			}
		})
	}
}

// A root without a log trusts timestamps, and a root without timestamps trusts the log.
func TestKeylessRoots(t *testing.T) {
	s := sigstoretest.Start(t)
	stamped := sigstoretest.Who{Subject: team.Subject, Issuer: team.Issuer, NoLog: true, Stamped: true}
	logged, onlyStamped, neither := newRepository(t), newRepository(t), newRepository(t)
	logged.signed(t, s, team)
	onlyStamped.signed(t, s, stamped)
	neither.signed(t, s, sigstoretest.Who{Subject: team.Subject, Issuer: team.Issuer, NoLog: true})
	noLog := policyFor(t, s.WriteRoot(t, sigstoretest.Root{NoLog: true}))
	noTSA := policyFor(t, s.WriteRoot(t, sigstoretest.Root{NoTSA: true}))
	for _, tc := range []struct {
		name   string
		policy *signature.Policy
		image  *repository
		says   string // "": it is trusted
	}{
		{"logged, root with a log", noTSA, logged, ""},
		{"stamped, root with timestamps", noLog, onlyStamped, ""},
		{"stamped, root with a log", noTSA, onlyStamped, "no transparency log"},
		{"logged, root with timestamps", noLog, logged, "proves its time"},
		{"no proof of the time", noLog, neither, "proves its time"},
		{"no proof of the time, root with a log", noTSA, neither, "no transparency log"},
	} {
		found, err := tc.image.verifyBy(t, tc.policy)
		if tc.says != "" {
			wantCode(t, signature.CodeInvalid, tc.says, err)
		} else if err != nil || found[0].TimeBy == "" {
			t.Errorf("%s: %+v, %v", tc.name, found, err)
		}
	}
}

func TestKeylessRefused(t *testing.T) {
	s, foreign := sigstoretest.Start(t), sigstoretest.Start(t)
	root := s.WriteRoot(t, sigstoretest.Root{})
	elsewhere := digest.FromString("another image")
	key := newSigner(t, "ECDSA")
	for _, tc := range []struct {
		name, code, says string
		policy           *signature.Policy // nil: a policy with the identity of team
		prepare          func(r *repository)
	}{
		{"no signature", signature.CodeMissing, "is not signed", nil, func(*repository) {}},
		{"another subject", signature.CodeInvalid, "it is by other@example.com (issuer https://issuer.example.com), which is none", nil, func(r *repository) { r.signed(t, s, other) }},
		{"another issuer", signature.CodeInvalid, "issuer https://evil.example.com), which is none", nil, func(r *repository) {
			r.signed(t, s, sigstoretest.Who{Subject: team.Subject, Issuer: "https://evil.example.com"})
		}},
		{"another Sigstore", signature.CodeInvalid, "no transparency log of the trusted root", nil, func(r *repository) { r.signed(t, foreign, team) }},
		{"a root that has expired", signature.CodeInvalid, "trusted root", policyFor(t, s.WriteRoot(t, sigstoretest.Root{Until: time.Now().Add(-time.Minute)})), func(r *repository) { r.signed(t, s, team) }},
		{"a root that asks for a log of certificates", signature.CodeInvalid, "no certificate log", policyFor(t, s.WriteRoot(t, sigstoretest.Root{CertificateLog: true})), func(r *repository) { r.signed(t, s, team) }},
		{"a payload that was changed", signature.CodeInvalid, "trusted root proves it", nil, func(r *repository) {
			r.referring(t, changePayload(t, s.Attest(t, team, statementOf(t, r.image.Digest, sigstoretest.SignType))))
		}},
		{"a signature of another image", signature.CodeInvalid, "another digest", nil, func(r *repository) { r.attested(t, s, team, elsewhere, sigstoretest.SignType) }},
		{"a key where identities are trusted", signature.CodeInvalid, "it is by a key, and only identities", nil, func(r *repository) { r.referring(t, key.statementBundle(t, r.image.Digest, signType)) }},
		{"an identity where keys are trusted", signature.CodeInvalid, "owner of a certificate, and only keys", &signature.Policy{Keys: signature.Keys{key.key}}, func(r *repository) { r.signed(t, s, team) }},
		{"an attestation in place of a signature", signature.CodeInvalid, "slsaprovenance is no signature", nil, func(r *repository) { r.attested(t, s, team, r.image.Digest, provenance) }},
		{"no attestation", signature.CodeAttestationMissing, "has no attestation slsaprovenance (https://slsa.dev/provenance/v0.2), and has to have one; it has spdx", policyFor(t, root, provenance), func(r *repository) {
			r.signed(t, s, team)
			r.attested(t, s, team, r.image.Digest, "https://spdx.dev/Document")
		}},
		{"one of two attestations", signature.CodeAttestationMissing, "cyclonedx", policyFor(t, root, provenance, "https://cyclonedx.org/bom"), func(r *repository) {
			r.signed(t, s, team)
			r.attested(t, s, team, r.image.Digest, provenance)
		}},
		{"an attestation by somebody else", signature.CodeAttestationInvalid, "it is by other@example.com", policyFor(t, root, provenance), func(r *repository) {
			r.signed(t, s, team)
			r.attested(t, s, other, r.image.Digest, provenance)
		}},
		{"an attestation of another image", signature.CodeAttestationInvalid, "it is about another digest", policyFor(t, root, provenance), func(r *repository) {
			r.signed(t, s, team)
			r.attested(t, s, team, elsewhere, provenance)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t)
			tc.prepare(r)
			if tc.policy == nil {
				tc.policy = policyFor(t, root)
			}
			wantCode(t, tc.code, tc.says, fail(r.verifyBy(t, tc.policy)))
		})
	}
}

// changePayload changes a byte of the statement in a bundle, outside of the subject.
func changePayload(t testing.TB, bundle []byte) []byte {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(bundle, &fields); err != nil {
		t.Fatal(err)
	}
	envelope := fields["dsseEnvelope"].(map[string]any)
	var payload []byte
	if err := json.Unmarshal([]byte(`"`+envelope["payload"].(string)+`"`), &payload); err != nil {
		t.Fatal(err)
	}
	envelope["payload"] = bytes.Replace(payload, []byte("builder"), []byte("bui1der"), 1)
	return marshal(t, fields)
}

// Keys and identities are alternatives, and so are two identities.
func TestKeyOrIdentity(t *testing.T) {
	s, key := sigstoretest.Start(t), newSigner(t, "ECDSA")
	file := filepath.Join(t.TempDir(), "cosign.pub")
	if err := os.WriteFile(file, publicPEM(t, key), 0o600); err != nil {
		t.Fatal(err)
	}
	p := readPolicy(t, spec.Verify{
		Keys: []*spec.FileRef{{Path: file}}, TrustedRoot: &spec.FileRef{Path: s.WriteRoot(t, sigstoretest.Root{})},
		Identities: []spec.Identity{
			{Subject: team.Subject, Issuer: team.Issuer},
			{SubjectRegExp: "^https://ci.example.com/team/.*@refs/heads/main$", IssuerRegExp: `^https://ci\.example\.com$`},
		},
		Attestations: []spec.Attestation{{Type: provenance}},
	}, "/missing")
	byKey, byTeam, byRobot := newRepository(t), newRepository(t), newRepository(t)
	byKey.referring(t, key.statementBundle(t, byKey.image.Digest, signType))
	byKey.attested(t, s, robot, byKey.image.Digest, provenance)
	byTeam.signed(t, s, team)
	byTeam.referring(t, key.statementBundle(t, byKey.image.Digest, provenance))
	byRobot.signed(t, s, robot)
	byRobot.attested(t, s, robot, byRobot.image.Digest, provenance)
	for name, want := range map[string]struct {
		r                  *repository
		key, subject, also string
	}{
		"key": {byKey, file, "", robot.Subject}, "team": {byTeam, "", team.Subject, ""}, "robot": {byRobot, "", robot.Subject, robot.Subject},
	} {
		found, err := want.r.verifyBy(t, p)
		if err != nil || found[0].Key != want.key || found[0].Subject != want.subject || found[1].Subject != want.also {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}

func TestRoot(t *testing.T) {
	s := sigstoretest.Start(t)
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "root.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	wants := spec.Verify{Identities: []spec.Identity{{Subject: "a", Issuer: "b"}}}
	for says, file := range map[string]string{
		"no such file": "/missing", "is no trusted root": write("{}"), "is no trusted root of sigstore: ": write("hello"),
		"neither a transparency log nor": s.WriteRoot(t, sigstoretest.Root{NoLog: true, NoTSA: true}),
		"no certificate authority":       write(`{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`),
		"more than":                      write(strings.Repeat(" ", 2<<20)),
	} {
		_, err := signature.ReadPolicy(wants, &spec.FileRef{Path: file})
		wantCode(t, signature.CodeRoot, says, err)
	}
	_, err := signature.ReadPolicy(wants, nil)
	wantCode(t, signature.CodeRoot, "there is no trusted root", err)
}

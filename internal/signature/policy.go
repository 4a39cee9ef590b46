package signature

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Policy says which signatures and attestations content must have. A signature by any key or
// identity is enough. Each attestation must be there, by any key or identity. A Policy is immutable
// and safe for concurrent use.
type Policy struct {
	Keys         Keys
	Identities   []*Identity
	Root         *Root // proves Identities; nil: no identities are trusted
	Attestations []spec.Attestation
}

// ReadPolicy reads the files of a policy. root is the trusted root for identities without a root of
// their own; nil means none. ReadPolicy fails with an *[Error].
func ReadPolicy(of spec.Verify, root *spec.FileRef) (*Policy, error) {
	return (&Roots{}).Policy(of, root)
}

// Policy is [ReadPolicy], without another parse of the same root.
func (r *Roots) Policy(of spec.Verify, root *spec.FileRef) (*Policy, error) {
	p := &Policy{Attestations: of.Attestations}
	var err error
	if p.Keys, err = ReadKeys(of.Keys); err != nil {
		return nil, err
	}
	for _, one := range of.Identities {
		identity, err := NewIdentity(one)
		if err != nil {
			return nil, &Error{Code: CodeInvalid, Message: brief(err), Hint: "give the identity a subject and an issuer"}
		}
		p.Identities = append(p.Identities, identity)
	}
	if len(p.Identities) == 0 {
		return p, nil
	}
	if of.TrustedRoot != nil {
		root = of.TrustedRoot
	}
	if root == nil {
		return nil, &Error{
			Code: CodeRoot, Message: "there is no trusted root, and identities need one",
			Hint: "name its file in module.verify.trustedRoot or with --trusted-root; cosign trusted-root create --with-default-services --out trusted_root.json writes Sigstore's own",
		}
	}
	if p.Root, err = r.read(root); err != nil {
		return nil, err
	}
	return p, nil
}

// authorities returns the fingerprints of all keys and identities, sorted.
func (p *Policy) authorities() []string {
	all := p.Keys.Fingerprints()
	for _, one := range p.Identities {
		all = append(all, one.fingerprint(p.Root))
	}
	slices.Sort(all)
	return all
}

// choose returns the first valid signature, and the first valid attestation of each required type.
// complete reports whether they are all there.
func (p *Policy) choose(all []Found) (chosen []Found, complete bool) {
	complete = true
	pick := func(kind Kind, predicate string) {
		i := slices.IndexFunc(all, func(f Found) bool { return f.Problem == "" && f.Kind == kind && f.PredicateType == predicate })
		if i < 0 {
			complete = false
			return
		}
		chosen = append(chosen, all[i])
	}
	pick(KindSignature, "")
	for _, one := range p.Attestations {
		pick(KindAttestation, one.Type)
	}
	return chosen, complete
}

// Judge returns the signatures and attestations, as the policy requires, or an *[Error] for the
// first missing part. Messages show the content as name, and sign is the hint with the command for
// signing.
func (p *Policy) Judge(name, sign string, all []Found) ([]Found, error) {
	chosen, complete := p.choose(all)
	if complete {
		return chosen, nil
	}
	if len(chosen) == 0 || chosen[0].Kind != KindSignature {
		return nil, p.noSignature(name, sign, all)
	}
	for _, one := range p.Attestations {
		if !slices.ContainsFunc(chosen, func(f Found) bool { return f.PredicateType == one.Type }) {
			return nil, p.noAttestation(name, one, all)
		}
	}
	return chosen, nil
}

func (p *Policy) noSignature(name, sign string, all []Found) *Error {
	var problems, others []string
	for _, one := range all {
		if one.Kind == KindSignature {
			problems = append(problems, one.Problem)
		} else {
			others = append(others, fmt.Sprintf("the attestation %s is no signature", spec.PredicateName(one.PredicateType)))
		}
	}
	if len(problems) == 0 {
		problems = others
	}
	if len(problems) == 0 {
		return &Error{Code: CodeMissing, Message: name + " is not signed, and has to be", Hint: p.whoMaySign("sign", sign)}
	}
	hint := p.whoMaySign("sign", "sign it again with a key that is trusted here, or name the key that it is signed with")
	return &Error{Code: CodeInvalid, Message: listed(name+" has no valid signature", problems), Hint: hint}
}

// whoMaySign returns byKey if keys are trusted, and else the identities that are.
func (p *Policy) whoMaySign(do, byKey string) string {
	if len(p.Identities) == 0 {
		return byKey
	}
	words := make([]string, 0, len(p.Identities))
	for _, one := range p.Identities {
		words = append(words, one.words)
	}
	hint := do + " it with cosign " + do + " as " + strings.Join(words, " or ")
	if len(p.Keys) > 0 {
		hint += ", or with a key that is trusted here"
	}
	return hint
}

func (p *Policy) noAttestation(name string, want spec.Attestation, all []Found) *Error {
	var problems []string
	others := map[string]struct{}{}
	for _, one := range all {
		switch {
		case one.Kind != KindAttestation:
		case one.PredicateType == want.Type:
			problems = append(problems, one.Problem)
		default:
			others[spec.PredicateName(one.PredicateType)] = struct{}{}
		}
	}
	as := cmp.Or(want.As, want.Type)
	if len(problems) > 0 {
		return &Error{
			Code: CodeAttestationInvalid, Attestation: want.Type,
			Message: listed(fmt.Sprintf("%s has no valid attestation %s", name, as), problems),
			Hint:    p.whoMaySign("attest", "attest it again with a key that is trusted here"),
		}
	}
	message := fmt.Sprintf("%s has no attestation %s, and has to have one", name, as)
	if as != want.Type {
		message = fmt.Sprintf("%s has no attestation %s (%s), and has to have one", name, as, want.Type)
	}
	if len(others) > 0 {
		message += "; it has " + strings.Join(slices.Sorted(maps.Keys(others)), ", ")
	}
	return &Error{
		Code: CodeAttestationMissing, Attestation: want.Type, Message: message,
		Hint: fmt.Sprintf("attest it with cosign attest --type %s --predicate FILE", as),
	}
}

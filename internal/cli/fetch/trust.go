package fetch

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Trust configures which modules a command takes, and from which places.
type Trust struct {
	denyPrivate bool
	keys        []string
	identities  []string
	root        string

	verify spec.Verify // set by Validate
}

// AddFlags adds the flags.
func (t *Trust) AddFlags(f *pflag.FlagSet) {
	f.BoolVar(&t.denyPrivate, "deny-private-networks", false,
		"fetch nothing from private networks and this machine (link-local and metadata addresses are always refused), and use no proxy")
	f.StringArrayVar(&t.keys, "verify-key", nil,
		"`file` with a public key; every module must be signed with one of them, whatever its spec asks for beside; several times for several")
	f.StringArrayVar(&t.identities, "verify-identity", nil,
		"`subject=…,issuer=…` of a certificate (or subjectRegExp, issuerRegExp); beside --verify-key, every module may be signed by its owner; several times for several")
	f.StringVar(&t.root, "trusted-root", "",
		"`file` with the trusted root of sigstore that proves identities, unless a spec names its own; cosign trusted-root create writes it")
}

// Validate makes the paths absolute, and reads the files: with unreadable keys, a server would take
// no module.
func (t *Trust) Validate() error {
	t.verify = spec.Verify{}
	for _, path := range t.keys {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		t.verify.Keys = append(t.verify.Keys, &spec.FileRef{Path: absolute, As: path})
	}
	for _, text := range t.identities {
		one, err := parseIdentity(text)
		if err != nil {
			return fmt.Errorf("--verify-identity %q %w", text, err)
		}
		t.verify.Identities = append(t.verify.Identities, one)
	}
	if t.root != "" {
		absolute, err := filepath.Abs(t.root)
		if err != nil {
			return err
		}
		t.verify.TrustedRoot = &spec.FileRef{Path: absolute, As: t.root}
		if _, err := signature.ReadRoot(t.verify.TrustedRoot); err != nil {
			return err
		}
	}
	_, err := signature.ReadPolicy(t.verify, nil)
	return err
}

// parseIdentity parses fields of the form name=value that are separated by commas. A comma in a
// value is fine unless the name of a field follows.
func parseIdentity(text string) (spec.Identity, error) {
	var one spec.Identity
	fields := map[string]*string{
		"subject": &one.Subject, "subjectRegExp": &one.SubjectRegExp, "issuer": &one.Issuer, "issuerRegExp": &one.IssuerRegExp,
	}
	var last *string
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(part, "=")
		to := fields[name]
		switch {
		case found && to != nil && *to != "":
			return one, fmt.Errorf("has %s twice", name)
		case found && to != nil && value != "":
			*to, last = value, to
		case last != nil:
			*last += "," + part
		default:
			return one, errors.New("must be of the form subject=…,issuer=…")
		}
	}
	if one.Subject+one.SubjectRegExp == "" || one.Issuer+one.IssuerRegExp == "" {
		return one, errors.New("needs both: subject or subjectRegExp, and issuer or issuerRegExp")
	}
	if _, err := signature.NewIdentity(one); err != nil {
		return one, err
	}
	if one.Subject != "" && one.SubjectRegExp != "" || one.Issuer != "" && one.IssuerRegExp != "" {
		return one, errors.New("can have a text or a regular expression, not both")
	}
	return one, nil
}

// Attest asks for attestations, of which each text is a type as in a spec. It is valid after
// Validate, and without effect if no signature is asked for.
func (t *Trust) Attest(types []string) error {
	for _, text := range types {
		one, ok := spec.ParseAttestation(text)
		if !ok {
			return fmt.Errorf("--attestation %q is neither a short name of cosign's nor the URI of a predicate type", text)
		}
		t.verify.Attestations = append(t.verify.Attestations, one)
	}
	if len(types) > 0 && !t.verify.Signed() {
		return errors.New("--attestation needs --verify-key or --verify-identity, which say whose attestations count")
	}
	return nil
}

// Verify returns the required signatures of all modules. Call it after Validate.
func (t *Trust) Verify() spec.Verify { return t.verify }

// Guard decides which addresses are connected to.
func (t *Trust) Guard() netguard.Guard { return netguard.Guard{DenyPrivate: t.denyPrivate} }

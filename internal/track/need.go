package track

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// need is a job of a spec, and the read that all specs with the job share.
type need struct {
	job  Job
	read *read
}

// inputs are everything outside a spec's text on which its jobs depend.
type inputs struct {
	seen   [4]string // the fingerprints of the spec's files, and the digest of its tag
	signed string    // see signedBy
}

// inputsOf returns the inputs of a spec. server has the required signers of all modules.
// references are the fingerprints of files, and digest is the digest of the module's tag.
func inputsOf(s *spec.Spec, server spec.Verify, references map[string]string, digest string) inputs {
	in := inputs{signed: signedBy(s, server, references)}
	if s.Module.File != nil {
		in.seen[0] = references[s.Module.File.Path]
	}
	if s.ConfigFrom != nil {
		in.seen[1] = references[s.ConfigFrom.Path]
	}
	if s.Module.PullSecret != nil {
		in.seen[2] = references[s.Module.PullSecret.Path]
	}
	in.seen[3] = digest
	return in
}

// signedBy has the requirements on the module's signatures, and the fingerprints of the signatures
// and of all files by which they are checked; "" when the module need not be signed.
func signedBy(s *spec.Spec, server spec.Verify, references map[string]string) string {
	own := s.Module.Verify
	if !own.Signed() && !server.Signed() {
		return ""
	}
	var b strings.Builder
	for _, paths := range [][]string{s.Module.SignatureFiles(), server.Files(), own.Files()} {
		for _, path := range paths {
			fmt.Fprintf(&b, " %q %s", path, references[path])
		}
	}
	for _, one := range own.Identities {
		fmt.Fprintf(&b, " %q", []string{one.Subject, one.SubjectRegExp, one.Issuer, one.IssuerRegExp})
	}
	for _, one := range own.Attestations {
		fmt.Fprintf(&b, " %q", one.Type)
	}
	return b.String()
}

// moduleJob and configJob return the jobs of a spec. Their keys contain the fingerprints of the
// references, the digest of the module's tag, and the fingerprints of keys and signatures.
func moduleJob(s *spec.Spec, references map[string]string, digest, signed string) Job {
	if s.Module.OCI.Registry != "" {
		return registryJob(s, references, digest, signed)
	}
	if s.Module.File != nil {
		path := s.Module.File.Path
		return Job{Key: "file " + path + " " + references[path] + " " + s.Module.SHA256 + " " + s.VM.Runtime + signed, Name: s.Name, Module: s}
	}
	return Job{Key: "url " + s.Module.URL + " " + s.Module.SHA256 + " " + s.VM.Runtime + signed, Name: s.Name, Module: s}
}

// registryJob is the job of a module in a registry. A spec that begins to name a tag has the tag
// looked up.
func registryJob(s *spec.Spec, references map[string]string, digest, signed string) Job {
	secret := ""
	if s.Module.PullSecret != nil {
		secret = s.Module.PullSecret.Path + " " + references[s.Module.PullSecret.Path]
	}
	key := func(digest string) string {
		return "url " + s.Module.OCI.String() + " " + digest + " " + s.Module.SHA256 + " " + s.VM.Runtime + " " + secret + signed
	}
	if digest == "" {
		return Job{Key: key("of " + s.Name), Name: s.Name, Module: s, Reference: s.Module.OCI.String(), pinned: key}
	}
	pinned := *s
	pinned.Module.OCI = s.Module.OCI.WithDigest(digest)
	return Job{Key: key(digest), Name: s.Name, Module: &pinned, Reference: s.Module.OCI.String()}
}

func configJob(s *spec.Spec, references map[string]string) Job {
	path := s.ConfigFrom.Path
	return Job{Key: "config " + path + " " + references[path], Name: s.Name, Config: s.ConfigFrom}
}

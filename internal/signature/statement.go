package signature

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
)

const (
	inTotoType = "application/vnd.in-toto+json"
	// signType is the predicate type of a statement to sign an image. All other statements about an
	// image are attestations.
	signType = "https://sigstore.dev/cosign/sign/v1"
)

// statement has the relevant fields of an in-toto statement.
type statement struct {
	Type          string `json:"_type"`
	PredicateType string `json:"predicateType"`
	Subject       []struct {
		Digest map[string]string `json:"digest"`
	} `json:"subject"`
	Predicate json.RawMessage `json:"predicate"`
}

// statementOf reads the statement in a bundle, or returns nil if the bundle has no envelope.
// Nothing is verified.
func statementOf(b *protobundle.Bundle) (*statement, error) {
	envelope := b.GetDsseEnvelope()
	if envelope == nil {
		return nil, nil
	}
	said := &statement{}
	if envelope.GetPayloadType() != inTotoType || json.Unmarshal(envelope.GetPayload(), said) != nil ||
		!strings.HasPrefix(said.Type, "https://in-toto.io/Statement/") {
		return nil, errors.New("what it signs is no statement")
	}
	return said, nil
}

// names reports whether the statement is about the content with a sha256 in hex.
func (s *statement) names(digest string) bool {
	for _, one := range s.Subject {
		if one.Digest["sha256"] == digest {
			return true
		}
	}
	return false
}

// builder returns the builder's id in a SLSA provenance of version 0.2 or 1, and "" in other
// versions.
func (s *statement) builder() string {
	type builder struct {
		ID string `json:"id"`
	}
	var said struct {
		Builder    builder `json:"builder"`
		RunDetails struct {
			Builder builder `json:"builder"`
		} `json:"runDetails"`
	}
	if !strings.HasPrefix(s.PredicateType, "https://slsa.dev/provenance/") || json.Unmarshal(s.Predicate, &said) != nil {
		return ""
	}
	return cmp.Or(said.RunDetails.Builder.ID, said.Builder.ID)
}

package spiffetest

import (
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secretv3 "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
)

// sds is the SDS for Envoy. As in SPIRE, only the state-of-the-world variant works.
type sds struct {
	secretv3.UnimplementedSecretDiscoveryServiceServer
	answers *answers
}

// StreamSecrets sends the secrets that the first request names, and each change of them. Envoy has
// a stream for each secret.
func (s sds) StreamSecrets(stream secretv3.SecretDiscoveryService_StreamSecretsServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil { // an ACK needs no answer
				ended <- err
				return
			}
		}
	}()
	version := 0
	return s.answers.follow(stream.Context(), ended, func(answer *Answer) error {
		version++
		text := strconv.Itoa(version)
		response := &discoveryv3.DiscoveryResponse{TypeUrl: first.GetTypeUrl(), VersionInfo: text, Nonce: text}
		for _, name := range first.GetResourceNames() {
			secret := secretOf(answer, name)
			if secret == nil {
				return status.Errorf(codes.InvalidArgument, "workload is not authorized for the requested identities [%q]", name)
			}
			resource, err := anypb.New(secret)
			if err != nil {
				return err
			}
			response.Resources = append(response.Resources, resource)
		}
		return stream.Send(response)
	})
}

// secretOf returns the secret of a name; nil: there is none. The default names are those of SPIRE.
func secretOf(answer *Answer, name string) *tlsv3.Secret {
	for i, one := range answer.SVIDs {
		if name == one.ID || i == 0 && name == "default" {
			return &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_TlsCertificate{TlsCertificate: &tlsv3.TlsCertificate{
				CertificateChain: inline(one.Pair.Cert), PrivateKey: inline(one.Pair.Key),
			}}}
		}
	}
	for domain, cas := range answer.Bundles {
		isOwn := len(answer.SVIDs) > 0 && domain == domainOf(answer.SVIDs[0].ID)
		if name == "spiffe://"+domain || isOwn && name == "ROOTCA" {
			return &tlsv3.Secret{Name: name, Type: &tlsv3.Secret_ValidationContext{ValidationContext: validation(domain, cas, answer.PlainCA)}}
		}
	}
	return nil
}

func validation(domain string, cas []*pki.CA, plain bool) *tlsv3.CertificateValidationContext {
	var all []byte
	for _, ca := range cas {
		all = append(all, ca.PEM()...)
	}
	if plain {
		return &tlsv3.CertificateValidationContext{TrustedCa: inline(all)}
	}
	return &tlsv3.CertificateValidationContext{CustomValidatorConfig: &corev3.TypedExtensionConfig{
		Name: "envoy.tls.cert_validator.spiffe",
		TypedConfig: pack(&tlsv3.SPIFFECertValidatorConfig{
			TrustDomains: []*tlsv3.SPIFFECertValidatorConfig_TrustDomain{{Name: domain, TrustBundle: inline(all)}},
		}),
	}}
}

func inline(text []byte) *corev3.DataSource {
	return &corev3.DataSource{Specifier: &corev3.DataSource_InlineBytes{InlineBytes: text}}
}

// pack panics only for a message without a type.
func pack(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err)
	}
	return a
}

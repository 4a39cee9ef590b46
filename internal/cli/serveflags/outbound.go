package serveflags

import "github.com/spf13/pflag"

// AddOutbound adds the flags for the messages that a server sends by itself.
func (s *Flags) AddOutbound(f *pflag.FlagSet) {
	w := &s.config.Webhooks
	f.StringSliceVar(&w.URLs, "webhook", nil, "`URL` that gets a signed message for each notable event, such as a revision that is live or refused; repeatable")
	f.StringVar(&w.SecretFile, "webhook-secret-file", "", "`file` with the secrets that sign these messages, a line each, as whsec_ and base64; read again when it changes")
	f.StringVar(&s.config.OTLPEndpoint, "otlp-endpoint", "", "`URL` of an OpenTelemetry collector that gets the traces of edits: grpc://host:4317, grpcs://, http://host:4318 or https://; OTEL_EXPORTER_OTLP_HEADERS has its headers")
	f.StringVar(&w.CAFile, "webhook-ca-file", "", "PEM `file` with further CAs of these URLs")
}

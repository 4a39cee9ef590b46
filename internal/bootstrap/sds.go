package bootstrap

import (
	"bytes"
	"path/filepath"
	"text/template"
)

// sdsText is the form of an SDS file. Envoy notices new certificates when a rename changes
// anything in the watched directory: a file itself, or a link to a directory with all of them.
const sdsText = `resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: {{.Name}}
{{- if .Key}}
  tls_certificate:
    certificate_chain: { filename: {{quote .Cert}} }
    private_key: { filename: {{quote .Key}} }
    watched_directory: { path: {{quote .Dir}} }
{{- else}}
  validation_context:
    trusted_ca: { filename: {{quote .Cert}} }
    watched_directory: { path: {{quote .Dir}} }
{{- end}}
`

// SDSFiles returns the files that the bootstrap refers to, by path. There are none without TLS, and
// none with a SPIFFE agent.
func SDSFiles(o Options) (map[string][]byte, error) {
	tls, err := o.TLS.withDefaults()
	if err != nil || tls.CAFile == "" {
		return nil, err
	}
	t, err := template.New("sds").Funcs(template.FuncMap{"quote": quote}).Parse(sdsText)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	add := func(path, name, cert, key string) error {
		var out bytes.Buffer
		err := t.Execute(&out, map[string]string{"Name": name, "Cert": cert, "Key": key, "Dir": filepath.Dir(cert)})
		files[path] = out.Bytes()
		return err
	}
	err = add(tls.CA(), sdsCA, tls.CAFile, "")
	if err == nil && tls.HasClient() {
		err = add(tls.Client(), sdsClient, tls.CertFile, tls.KeyFile)
	}
	return files, err
}

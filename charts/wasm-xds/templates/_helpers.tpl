{{- define "wasm-xds.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "wasm-xds.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wasm-xds.labels" -}}
{{ include "wasm-xds.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "wasm-xds.check" -}}
{{- $source := .Values.source }}
{{- if not (or $source.filters $source.configMap $source.bundles) }}
{{- fail "there are no filters: set source.filters, source.configMap or source.bundles" }}
{{- end }}
{{- if and $source.filters $source.configMap }}
{{- fail "source.filters and source.configMap exclude each other: there is one directory" }}
{{- end }}
{{- $admin := .Values.admin }}
{{- if and $admin.expose (not $admin.insecure) (not (and $admin.tlsSecret $admin.tokenSecret)) }}
{{- fail "admin.expose needs admin.tlsSecret and admin.tokenSecret, or admin.insecure: every client could roll filters back" }}
{{- end }}
{{- end }}

{{/* The configuration file: the settings that the chart decides, and those of the user. */}}
{{- define "wasm-xds.config" -}}
{{- $scheme := ternary "https" "http" (ne .Values.tls.secret "") }}
{{- $config := dict
  "xds-address" "[::]:18000"
  "modules-address" "[::]:18001"
  "modules-url" (printf "%s://%s:18001" $scheme (include "wasm-xds.name" .))
  "admin-address" (ternary "[::]:18002" "unix:///run/wasm-xds/admin.sock" .Values.admin.expose)
  "state-dir" "/var/lib/wasm-xds/state" }}
{{- $sources := list }}
{{- if or .Values.source.filters .Values.source.configMap }}{{ $sources = append $sources "/etc/wasm-xds/filters" }}{{ end }}
{{- $_ := set $config "sources" (concat $sources .Values.source.bundles) }}
{{- if .Values.tls.secret }}
{{- $_ := set $config "tls-cert-file" "/etc/wasm-xds/tls/tls.crt" }}
{{- $_ := set $config "tls-key-file" "/etc/wasm-xds/tls/tls.key" }}
{{- if .Values.tls.mutual }}{{ $_ := set $config "client-ca-file" "/etc/wasm-xds/tls/ca.crt" }}{{ end }}
{{- end }}
{{- if .Values.admin.expose }}
{{- if .Values.admin.tlsSecret }}
{{- $_ := set $config "admin-tls-cert-file" "/etc/wasm-xds/admin-tls/tls.crt" }}
{{- $_ := set $config "admin-tls-key-file" "/etc/wasm-xds/admin-tls/tls.key" }}
{{- end }}
{{- if .Values.admin.tokenSecret }}{{ $_ := set $config "admin-token-file" "/etc/wasm-xds/admin-tokens/tokens" }}{{ end }}
{{- if .Values.admin.insecure }}{{ $_ := set $config "admin-insecure" true }}{{ end }}
{{- end }}
{{- if or .Values.source.filters .Values.source.configMap }}{{ $_ := set $config "files-root" "/etc/wasm-xds/filters" }}{{ end }}
{{- range $name, $_ := .Values.config }}
{{- if hasKey $config $name }}{{ fail (printf "config.%s: the chart decides it" $name) }}{{ end }}
{{- end }}
{{- toYaml (merge $config .Values.config) }}
{{- end }}

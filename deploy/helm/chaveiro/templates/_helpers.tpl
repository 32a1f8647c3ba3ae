{{- define "chaveiro.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains "chaveiro" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "chaveiro.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chaveiro.labels" -}}
{{ include "chaveiro.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "chaveiro.scheme" -}}
{{- if .Values.tls.secret }}HTTPS{{ else }}HTTP{{ end -}}
{{- end -}}

{{/* The settings of the server: those of the values, and those that the chart itself decides. */}}
{{- define "chaveiro.settings" -}}
{{- $own := dict "data-dir" "/data" "listen" "0.0.0.0:8080" -}}
{{- if .Values.tls.secret -}}
{{- $_ := set $own "tls-certificate" "/etc/chaveiro/tls/tls.crt" -}}
{{- $_ := set $own "tls-key" "/etc/chaveiro/tls/tls.key" -}}
{{- end -}}
{{- if .Values.postgresql.secret -}}
{{- $_ := set $own "auto-migrate" .Values.postgresql.autoMigrate -}}
{{- end -}}
{{- mergeOverwrite (deepCopy .Values.settings) $own | toYaml -}}
{{- end -}}

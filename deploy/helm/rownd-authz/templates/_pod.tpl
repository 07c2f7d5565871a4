{{/* The container and its volumes, for the pods of this chart and as a sidecar in others. */}}

{{- define "rownd-authz.environment" -}}
- name: ROWND_AUTHZ_CONFIG
  value: /etc/rownd-authz/config/rownd-authz.yaml
{{- with .Values.rownd }}
{{- if .existingSecret }}
{{- if .appKey }}
- name: ROWND_APP_KEY_FILE
  value: /etc/rownd-authz/secret/{{ .appKey }}
{{- end }}
{{- if .appSecret }}
- name: ROWND_APP_SECRET_FILE
  value: /etc/rownd-authz/secret/{{ .appSecret }}
{{- end }}
{{- end }}
{{- if .appId }}
- name: ROWND_APP_ID
  value: {{ .appId | quote }}
{{- end }}
{{- if .baseUrl }}
- name: ROWND_BASE_URL
  value: {{ .baseUrl | quote }}
{{- end }}
{{- end }}
- name: ROWND_AUTHZ__LISTENERS__OPS__PROBE_ADDRESS
  value: {{ include "rownd-authz.probeAddress" . | quote }}
{{- range .Values.extraEnv }}
{{- $variable := . }}
{{- if hasKey . "value" }}
{{- $variable = merge (dict "value" (include "rownd-authz.text" .value)) . }}
{{- end }}
{{ toYaml (list $variable) }}
{{- end }}
{{- end -}}

{{- define "rownd-authz.mounts" -}}
- name: config
  mountPath: /etc/rownd-authz/config
  readOnly: true
- name: run
  mountPath: /run/rownd-authz
- name: state
  mountPath: /var/lib/rownd-authz
{{- if .Values.rownd.existingSecret }}
- name: secret
  mountPath: /etc/rownd-authz/secret
  readOnly: true
{{- end }}
{{- if .Values.tls.enabled }}
- name: tls
  mountPath: /etc/rownd-authz/tls
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* How the pod finds names: for issuers that only a DNS server of yours, or nobody, knows. */}}
{{- define "rownd-authz.names" -}}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- $config := deepCopy . }}
  {{- with .options }}
  {{- $_ := set $config "options" (include "rownd-authz.values" . | fromYamlArray) }}
  {{- end }}
  {{- toYaml $config | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Whole directories, never subPath: what is mounted so is not updated. */}}
{{- define "rownd-authz.volumes" -}}
- name: config
  configMap:
    name: {{ include "rownd-authz.fullname" . }}
- name: run
  emptyDir:
    sizeLimit: {{ .Values.runDirectorySize }}
# Apart from `run`, which a sidecar shares with the proxy: who can write here decides whose
# tokens are trusted.
- name: state
  {{- if .Values.stateVolume }}
  {{- toYaml .Values.stateVolume | nindent 2 }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.runDirectorySize }}
  {{- end }}
{{- if .Values.rownd.existingSecret }}
- name: secret
  secret:
    secretName: {{ .Values.rownd.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if .Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "rownd-authz.tlsSecret" . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A container that asks the program about its configuration, with all that the serving one mounts. */}}
{{- define "rownd-authz.configCheck" -}}
image: {{ include "rownd-authz.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [config, check]
env:
  {{- include "rownd-authz.environment" . | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  requests: { cpu: 10m, memory: 32Mi }
  limits: { memory: 128Mi }
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
volumeMounts:
  {{- include "rownd-authz.mounts" . | nindent 2 }}
{{- end -}}

{{/* The volumes for it. The state of the serving pods is theirs alone. */}}
{{- define "rownd-authz.checkVolumes" -}}
{{- $volumes := list -}}
{{- range include "rownd-authz.volumes" . | fromYamlArray -}}
{{- $volumes = append $volumes (ternary (dict "name" .name "emptyDir" (dict "sizeLimit" $.Values.runDirectorySize)) . (eq .name "state")) -}}
{{- end -}}
{{- toYaml $volumes -}}
{{- end -}}

{{/*
A probe inside the pod, on a port that nobody else reaches: what the whole cluster can fill says
nothing of the container. In: dict page, root.
*/}}
{{- define "rownd-authz.probe" -}}
exec:
  command: [/usr/local/bin/rownd-authz, healthcheck, --page={{ .page }}, "--address={{ include "rownd-authz.probeAddress" .root }}"]
{{- end -}}

{{- define "rownd-authz.liveness" -}}
startupProbe:
  {{- include "rownd-authz.probe" (dict "page" "livez" "root" .) | nindent 2 }}
  periodSeconds: {{ .Values.probes.startup.periodSeconds }}
  failureThreshold: {{ .Values.probes.startup.failureThreshold }}
livenessProbe:
  {{- include "rownd-authz.probe" (dict "page" "livez" "root" .) | nindent 2 }}
  periodSeconds: {{ .Values.probes.liveness.periodSeconds }}
  timeoutSeconds: 3
  failureThreshold: {{ .Values.probes.liveness.failureThreshold }}
{{- end -}}

{{/* A sidecar has it, too: a pod whose authorizer has no keys gets no requests. A Unix socket has no port for gRPC's probe. */}}
{{- define "rownd-authz.readiness" -}}
readinessProbe:
  {{- if and (eq .Values.probes.readiness.type "grpc") (not .Values.sidecarOnly) }}
  grpc: { port: {{ include "rownd-authz.grpcPort" . }}, service: envoy.service.auth.v3.Authorization }
  {{- else if eq .Values.probes.readiness.type "http" }}
  httpGet: { path: /readyz, port: ops }
  {{- else }}
  {{- include "rownd-authz.probe" (dict "page" "readyz" "root" $) | nindent 2 }}
  {{- end }}
  periodSeconds: {{ .Values.probes.readiness.periodSeconds }}
  timeoutSeconds: 2
  failureThreshold: {{ .Values.probes.readiness.failureThreshold }}
{{- end -}}

{{/*
The container as a true sidecar: a native sidecar container (restartPolicy: Always among
initContainers; Kubernetes 1.29 and newer), which is up before the proxy asks and outlives it.
In: the context of this chart; from a parent chart: `index .Subcharts "rownd-authz"`.
Share the volume `run` with the proxy; the socket is where config.listeners.grpc.address says.
*/}}
{{- define "rownd-authz.sidecar.container" -}}
- name: rownd-authz
  image: {{ include "rownd-authz.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  args: [serve]
  env:
    {{- include "rownd-authz.environment" . | nindent 4 }}
  {{- with .Values.extraEnvFrom }}
  envFrom:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - { name: ops, containerPort: {{ include "rownd-authz.opsPort" . }}, protocol: TCP }
    {{- with include "rownd-authz.httpPort" . }}
    - { name: http, containerPort: {{ . }}, protocol: TCP }
    {{- end }}
    {{- with include "rownd-authz.publicHttpPort" . }}
    - { name: http-public, containerPort: {{ . }}, protocol: TCP }
    {{- end }}
  {{- include "rownd-authz.liveness" . | nindent 2 }}
  {{- include "rownd-authz.readiness" . | nindent 2 }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .Values.securityContext | nindent 4 }}
  volumeMounts:
    {{- include "rownd-authz.sidecar.mounts" . | nindent 4 }}
{{- end -}}

{{/* In a pod of others the names of volumes say whose they are. */}}
{{- define "rownd-authz.sidecar.mounts" -}}
{{- $mounts := list -}}
{{- $own := list "config" "run" "state" "secret" "tls" -}}
{{- range (include "rownd-authz.mounts" . | fromYamlArray) -}}
{{- $mounts = append $mounts (ternary (merge (dict "name" (printf "rownd-authz-%s" .name)) .) . (has .name $own)) -}}
{{- end -}}
{{- toYaml $mounts -}}
{{- end -}}

{{- define "rownd-authz.sidecar.volumes" -}}
{{- $volumes := list -}}
{{- $own := list "config" "run" "state" "secret" "tls" -}}
{{- range (include "rownd-authz.volumes" . | fromYamlArray) -}}
{{- $volumes = append $volumes (ternary (merge (dict "name" (printf "rownd-authz-%s" .name)) .) . (has .name $own)) -}}
{{- end -}}
{{- toYaml $volumes -}}
{{- end -}}

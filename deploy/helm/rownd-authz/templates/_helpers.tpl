{{/* Names, labels and what several templates need. */}}

{{- define "rownd-authz.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "rownd-authz.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- /* 54: room for -headless, the longest suffix of a Service. */ -}}
{{- .Values.fullnameOverride | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "rownd-authz.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 54 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.selectorLabels" -}}
app.kubernetes.io/name: {{ include "rownd-authz.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* What selects the serving pods, and not the pod of `helm test`. */}}
{{- define "rownd-authz.serverLabels" -}}
{{ include "rownd-authz.selectorLabels" . }}
app.kubernetes.io/component: server
{{- end -}}

{{/* As a map, so that a label of one's own does not stand there twice; the chart's win. */}}
{{- define "rownd-authz.labels" -}}
{{- $labels := include "rownd-authz.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "app.kubernetes.io/version" (.Chart.AppVersion | toString) -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (merge $labels .Values.commonLabels) -}}
{{- end -}}

{{- define "rownd-authz.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rownd-authz.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.tlsSecret" -}}
{{- if .Values.tls.existingSecret -}}
{{- .Values.tls.existingSecret -}}
{{- else -}}
{{- printf "%s-tls" (include "rownd-authz.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* The DNS name by which a mesh asks. */}}
{{- define "rownd-authz.host" -}}
{{- printf "%s.%s.svc.cluster.local" (include "rownd-authz.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* The port at the end of `IP:PORT`. In: dict address, what. */}}
{{- define "rownd-authz.port" -}}
{{- $port := regexFind "[0-9]+$" (toString .address) -}}
{{- if not $port -}}
{{- fail (printf "config.%s.address: `%s` has no port to build a Service on; write 0.0.0.0:PORT. For a Unix socket in one pod with Envoy set sidecarOnly: true" .what .address) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{- define "rownd-authz.grpcPort" -}}
{{- include "rownd-authz.port" (dict "address" (dig "listeners" "grpc" "address" "0.0.0.0:50051" .Values.config) "what" "listeners.grpc") -}}
{{- end -}}

{{- define "rownd-authz.opsPort" -}}
{{- include "rownd-authz.port" (dict "address" (dig "listeners" "ops" "address" "0.0.0.0:9464" .Values.config) "what" "listeners.ops") -}}
{{- end -}}

{{/* Where the probes ask, inside the pod: a pod of one family may lack the loopback of the other. */}}
{{- define "rownd-authz.probeAddress" -}}
{{- ternary "[::1]:9465" "127.0.0.1:9465" (eq .Values.ipFamily "IPv6") -}}
{{- end -}}

{{/* The configuration file: `config`, and the files of `tls`. */}}
{{- define "rownd-authz.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.tls.enabled -}}
{{- $tls := dict "cert_file" "/etc/rownd-authz/tls/tls.crt" "key_file" "/etc/rownd-authz/tls/tls.key" -}}
{{- with .Values.tls.clientCA -}}
{{- $_ := set $tls "client_ca_file" (printf "/etc/rownd-authz/tls/%s" .) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (dict "listeners" (dict "grpc" (dict "tls" $tls))) -}}
{{- end -}}
{{- if ne .Values.ipFamily "IPv4" -}}
{{- range list "grpc" "ops" -}}
{{- $address := dig "listeners" . "address" "" $config -}}
{{- if hasPrefix "0.0.0.0:" $address -}}
{{- $config = mergeOverwrite $config (dict "listeners" (dict . (dict "address" (printf "[::]:%s" (trimPrefix "0.0.0.0:" $address))))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Values that contradict each other end here, with what to write instead. */}}
{{- define "rownd-authz.validate" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled: each pod would be scraped twice; enable one" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (eq .Values.mode "daemonset") -}}
{{- fail "autoscaling.enabled: a daemonset has one pod on each node; set mode: deployment" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas: %d is more than maxReplicas, %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) -}}
{{- fail "tls.enabled: name a Secret in tls.existingSecret, or set tls.certManager.enabled" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.enabled) -}}
{{- fail "tls.certManager.enabled: the certificate would not be used; set tls.enabled" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled .Values.tls.existingSecret -}}
{{- fail "tls.existingSecret and tls.certManager.enabled: choose one" -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef: name the issuer, such as {name: my-ca, kind: ClusterIssuer}" -}}
{{- end -}}
{{- if and .Values.tls.enabled (eq .Values.probes.readiness.type "grpc") -}}
{{- fail "probes.readiness.type: the kubelet's gRPC probe speaks no TLS; set it to exec" -}}
{{- end -}}
{{- if and .Values.istio.enabled .Values.istio.authorizationPolicy.create (not .Values.istio.authorizationPolicy.selector) (not .Values.istio.authorizationPolicy.targetRefs) -}}
{{- fail "istio.authorizationPolicy: name what is protected, in selector or targetRefs; without either it would ask about every request of the namespace, those to rownd-authz included" -}}
{{- end -}}
{{- if and .Values.istio.authorizationPolicy.selector .Values.istio.authorizationPolicy.targetRefs -}}
{{- fail "istio.authorizationPolicy: selector or targetRefs, not both" -}}
{{- end -}}
{{- if and .Values.envoyGateway.enabled .Values.envoyGateway.targetRefs .Values.envoyGateway.clientTrafficPolicy.create (eq "[]" (include "rownd-authz.clientTrafficTargets" . | trim)) -}}
{{- fail "envoyGateway.clientTrafficPolicy.targetRefs: name the Gateway where forged identity headers are removed early, such as [{kind: Gateway, name: NAME}]; where a ClientTrafficPolicy of your own does it, set envoyGateway.clientTrafficPolicy.create: false" -}}
{{- end -}}
{{- if and .Values.envoyGateway.enabled (not .Values.envoyGateway.targetRefs) -}}
{{- fail "envoyGateway.targetRefs: name what is protected, such as [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]" -}}
{{- end -}}
{{- if not (or .Values.sidecarOnly (eq .Values.mode "daemonset") .Values.autoscaling.enabled) -}}
{{- if and .Values.podDisruptionBudget.enabled .Values.podDisruptionBudget.minAvailable -}}
{{- if and (kindIs "float64" .Values.podDisruptionBudget.minAvailable) (ge (int .Values.podDisruptionBudget.minAvailable) (int .Values.replicaCount)) -}}
{{- fail (printf "podDisruptionBudget.minAvailable: %d of %d replicas would block every drain of a node" (int .Values.podDisruptionBudget.minAvailable) (int .Values.replicaCount)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $delay := dig "shutdown" "drain_delay" "5s" .Values.config -}}
{{- $grace := dig "shutdown" "grace" "20s" .Values.config -}}
{{- if and (regexMatch "^[0-9]+s$" $delay) (regexMatch "^[0-9]+s$" $grace) -}}
{{- $needed := add (trimSuffix "s" $delay | int) (trimSuffix "s" $grace | int) -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $needed) -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is not more than config.shutdown.drain_delay and grace together, %d s: pods would be killed while they drain" (int .Values.terminationGracePeriodSeconds) (int $needed)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The identity headers in every spelling, one regular expression each. */}}
{{- define "rownd-authz.earlyStrip" -}}
{{- range list "user-id" "auth-level" "verified" "anonymous" "app-id" "app-variant" "issuer" "session-id" "roles" "groups" "tenant" "scopes" }}
- "^x[^a-z0-9]rownd[^a-z0-9]{{ replace "-" "[^a-z0-9]" . }}$"
{{- end }}
{{- end -}}

{{/* The Gateways of the ClientTrafficPolicy: those named for it, or those that are protected. */}}
{{- define "rownd-authz.clientTrafficTargets" -}}
{{- $found := list -}}
{{- range default .Values.envoyGateway.targetRefs .Values.envoyGateway.clientTrafficPolicy.targetRefs -}}
{{- if has .kind (list "Gateway" "ListenerSet") -}}
{{- $found = append $found (merge (deepCopy .) (dict "group" "gateway.networking.k8s.io")) -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

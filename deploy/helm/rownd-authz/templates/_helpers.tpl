{{/* Names, labels and what several templates need. */}}

{{/* A map whose values Kubernetes wants as text: numbers and switches become text, a null is left out. */}}
{{- define "rownd-authz.texts" -}}
{{- $texts := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $texts $key (include "rownd-authz.text" $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $texts -}}
{{- end -}}

{{/* One scalar as text. Helm reads whole numbers as floats, and would write a million as 1e+06. */}}
{{- define "rownd-authz.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end -}}

{{/*
What Kubernetes defines, with text where its selectors want text: the values of `matchLabels`, and
the lists `values` of their expressions. In: any value. Out: JSON, a map whose member `of` is the value.
*/}}
{{- define "rownd-authz.selectors" -}}
{{- $of := . -}}
{{- if kindIs "map" . -}}
{{- $of = dict -}}
{{- range $key, $value := . -}}
{{- if and (eq $key "matchLabels") (kindIs "map" $value) -}}
{{- $_ := set $of $key (include "rownd-authz.texts" $value | fromYaml) -}}
{{- else if and (eq $key "values") (kindIs "slice" $value) -}}
{{- $texts := list -}}
{{- range $value -}}
{{- $texts = append $texts (include "rownd-authz.text" .) -}}
{{- end -}}
{{- $_ := set $of $key $texts -}}
{{- else -}}
{{- $_ := set $of $key (include "rownd-authz.selectors" $value | fromJson).of -}}
{{- end -}}
{{- end -}}
{{- else if kindIs "slice" . -}}
{{- $of = list -}}
{{- range . -}}
{{- $of = append $of (include "rownd-authz.selectors" . | fromJson).of -}}
{{- end -}}
{{- end -}}
{{- toJson (dict "of" $of) -}}
{{- end -}}

{{/* The same as YAML. */}}
{{- define "rownd-authz.selected" -}}
{{- toYaml (include "rownd-authz.selectors" . | fromJson).of -}}
{{- end -}}

{{/* A list whose entries have a text `value`. */}}
{{- define "rownd-authz.values" -}}
{{- $found := list -}}
{{- range . -}}
{{- $found = append $found (hasKey . "value" | ternary (merge (dict "value" (include "rownd-authz.text" .value)) .) .) -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{/* The lists are merged by name: what stands twice is an error, with the place of both. In: dict items, what. */}}
{{- define "rownd-authz.unique" -}}
{{- $seen := list -}}
{{- range .items -}}
{{- if has .name $seen -}}
{{- fail (printf $.what .name) -}}
{{- end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- end -}}

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
{{- include "rownd-authz.texts" (merge $labels (omit (default dict .Values.commonLabels) "app.kubernetes.io/component")) -}}
{{- end -}}

{{/* `annotations:` of an object on a line of its own, or nothing. In: dict root, annotations, indent. */}}
{{- define "rownd-authz.annotations" -}}
{{- with merge (deepCopy (default dict .annotations)) (default dict .root.Values.commonAnnotations) -}}
{{- printf "annotations:\n%s" (include "rownd-authz.texts" . | indent 2) | nindent $.indent -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "rownd-authz.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.image" -}}
{{- $repository := .Values.image.repository -}}
{{- with default (dig "imageRegistry" "" (default dict .Values.global)) .Values.image.registry -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Secrets to pull images with, those of a parent chart too: there a name alone is usual. */}}
{{- define "rownd-authz.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (default list .Values.imagePullSecrets) (dig "imagePullSecrets" list (default dict .Values.global)) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with $secrets | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
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
{{- printf "%s.%s.svc.%s" (include "rownd-authz.fullname" .) .Release.Namespace .Values.clusterDomain -}}
{{- end -}}

{{/* Sections that are there without a content. In: dict of, names, at. */}}
{{- define "rownd-authz.maps" -}}
{{- range .names -}}
{{- if and (hasKey $.of .) (not (kindIs "map" (get $.of .))) -}}
{{- fail (printf "%s.%s: it is empty (null), which removes the chart's own settings, too; leave it out, or write its settings" $.at .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* `config`. An empty `config:` would take the chart's own defaults away without a word. */}}
{{- define "rownd-authz.settings" -}}
{{- if not (kindIs "map" .Values.config) -}}
{{- fail "config: it is empty (null), which removes the chart's own settings, too; leave `config` out, or write at least `config: {}`" -}}
{{- end -}}
{{- include "rownd-authz.maps" (dict "of" .Values.config "names" (list "listeners" "shutdown") "at" "config") -}}
{{- include "rownd-authz.maps" (dict "of" (dig "listeners" dict .Values.config) "names" (list "grpc" "ops" "http" "public_http") "at" "config.listeners") -}}
{{- if not .Values.sidecarOnly -}}
{{- /* The chart's own values have these, so what is not there was set to null. */ -}}
{{- range list "grpc" "ops" -}}
{{- $listener := dig "listeners" . dict $.Values.config -}}
{{- if not (hasKey $listener "address") -}}
{{- $at := hasKey (dig "listeners" dict $.Values.config) . | ternary (printf "config.listeners.%s.address" .) (printf "config.listeners.%s" .) -}}
{{- $at = hasKey $.Values.config "listeners" | ternary $at "config.listeners" -}}
{{- fail (printf "%s: it is empty (null), which removes the chart's own address for the Service, too; leave it out, or write config.listeners.%s.address, such as 0.0.0.0:%s" $at . (eq . "grpc" | ternary "50051" "9464")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml .Values.config -}}
{{- end -}}

{{/*
The port at the end of `IP:PORT`. In: dict root, address, what. A Service leads to other pods, so an
address of this pod alone is a mistake.
*/}}
{{- define "rownd-authz.port" -}}
{{- $any := eq .root.Values.ipFamily "IPv4" | ternary "0.0.0.0" "[::]" -}}
{{- $port := regexFind ":[0-9]+$" (toString .address) | trimPrefix ":" -}}
{{- if or (not $port) (hasPrefix "unix:" (toString .address)) -}}
{{- fail (printf "config.%s.address: `%s` has no port to build a Service on; write %s:PORT. For a Unix socket in one pod with Envoy set sidecarOnly: true" .what .address $any) -}}
{{- end -}}
{{- if or (lt (int $port) 1) (gt (int $port) 65535) -}}
{{- fail (printf "config.%s.address: `%s` has no port that a Service can lead to; write %s:PORT with a port from 1 to 65535" .what .address $any) -}}
{{- end -}}
{{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" (toString .address) -}}
{{- fail (printf "config.%s.address: `%s` is reached from inside the pod only, so the Service would lead nowhere; write %s:%s" .what .address $any $port) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{/* Without an address the program listens on loopback. */}}
{{- define "rownd-authz.grpcPort" -}}
{{- $config := include "rownd-authz.settings" . | fromYaml -}}
{{- include "rownd-authz.port" (dict "root" . "address" (dig "listeners" "grpc" "address" "127.0.0.1:50051" $config) "what" "listeners.grpc") -}}
{{- end -}}

{{- define "rownd-authz.opsPort" -}}
{{- $config := include "rownd-authz.settings" . | fromYaml -}}
{{- if .Values.sidecarOnly -}}
{{- regexFind "[0-9]+$" (dig "listeners" "ops" "address" "0.0.0.0:9464" $config) -}}
{{- else -}}
{{- include "rownd-authz.port" (dict "root" . "address" (dig "listeners" "ops" "address" "127.0.0.1:9464" $config) "what" "listeners.ops") -}}
{{- end -}}
{{- end -}}

{{/* The port of the listener `http`, where it is on and other pods can reach it; otherwise nothing. */}}
{{- define "rownd-authz.httpPort" -}}
{{- include "rownd-authz.webPort" (dict "root" . "name" "http" "default" "0.0.0.0:8085") -}}
{{- end -}}

{{/* The same of the listener `public_http`. */}}
{{- define "rownd-authz.publicHttpPort" -}}
{{- include "rownd-authz.webPort" (dict "root" . "name" "public_http" "default" "0.0.0.0:8086") -}}
{{- end -}}

{{/* In: dict root, name of the listener, default address. */}}
{{- define "rownd-authz.webPort" -}}
{{- $config := include "rownd-authz.settings" .root | fromYaml -}}
{{- if dig "listeners" .name dict $config -}}
{{- $address := dig "listeners" .name "address" .default $config | toString -}}
{{- if not (regexMatch "^(unix:|127\\.|localhost:|\\[::1\\])" $address) -}}
{{- include "rownd-authz.port" (dict "root" .root "address" $address "what" (printf "listeners.%s" .name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The ports that are asked beside 443, from the addresses of `config` and rownd.baseUrl: a list. What
stays in the pod has none.
*/}}
{{- define "rownd-authz.askedPorts" -}}
{{- $config := include "rownd-authz.settings" . | fromYaml -}}
{{- $urls := list .Values.rownd.baseUrl (dig "shared" "url" "" $config) -}}
{{- $urls = append $urls (dig "hooks" "before_exchange" "http" "url" "" $config) -}}
{{- $urls = append $urls (dig "hooks" "before_exchange" "grpc" "url" "" $config) -}}
{{- $urls = append $urls (dig "network" "proxy" "" $config) -}}
{{- range default list $config.issuers -}}
{{- $urls = concat $urls (list .issuer .base_url .jwks_url .jwks_fallback_url (dig "core" "base_url" "" .)) -}}
{{- end -}}
{{- range dig "events" "sinks" list $config -}}
{{- $urls = append $urls (dig "http" "url" "" .) -}}
{{- end -}}
{{- range dig "events" "sources" list $config -}}
{{- $urls = append $urls (dig "poll" "url" "" .) -}}
{{- end -}}
{{- $schemes := dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379" "valkey" "6379" "valkeys" "6379" -}}
{{- $ports := list -}}
{{- range $urls -}}
{{- $url := toString . -}}
{{- $scheme := regexFind "^[A-Za-z]+://" $url | trimSuffix "://" | lower -}}
{{- $host := regexReplaceAll "^[A-Za-z]+://([^/?#@]*@)?" (regexFind "^[A-Za-z]+://[^/?#]*" $url) "" -}}
{{- if and (hasKey $schemes $scheme) (not (regexMatch "^(localhost|127\\.[0-9.]+|\\[::1\\])(:[0-9]+)?$" $host)) -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" $host | trimPrefix ":" | default (get $schemes $scheme)) -}}
{{- end -}}
{{- end -}}
{{- $named := list "443" -}}
{{- range .Values.networkPolicy.extraEgress -}}
{{- range .ports -}}
{{- $named = append $named (include "rownd-authz.text" .port) -}}
{{- end -}}
{{- end -}}
{{- $open := list -}}
{{- range $ports | uniq | sortAlpha -}}
{{- if not (has . $named) -}}
{{- $open = append $open . -}}
{{- end -}}
{{- end -}}
{{- if .Values.networkPolicy.configPorts -}}
{{- join "," $open -}}
{{- end -}}
{{- end -}}

{{/* Where the probes ask, inside the pod: a pod of one family may lack the loopback of the other. */}}
{{- define "rownd-authz.probeAddress" -}}
{{- ternary "[::1]:9465" "127.0.0.1:9465" (eq .Values.ipFamily "IPv6") -}}
{{- end -}}

{{/* The configuration file: `config`, and the files of `tls`. */}}
{{- define "rownd-authz.config" -}}
{{- $config := include "rownd-authz.settings" . | fromYaml -}}
{{- range $name, $address := dict "http" "0.0.0.0:8085" "public_http" "0.0.0.0:8086" -}}
{{- if and (dig "listeners" $name dict $config) (not (dig "listeners" $name "address" "" $config)) -}}
{{- $config = mergeOverwrite $config (dict "listeners" (dict $name (dict "address" $address))) -}}
{{- end -}}
{{- end -}}
{{- if .Values.tls.enabled -}}
{{- $tls := dict "cert_file" "/etc/rownd-authz/tls/tls.crt" "key_file" "/etc/rownd-authz/tls/tls.key" -}}
{{- with .Values.tls.clientCA -}}
{{- $_ := set $tls "client_ca_file" (printf "/etc/rownd-authz/tls/%s" .) -}}
{{- end -}}
{{- $config = mergeOverwrite $config (dict "listeners" (dict "grpc" (dict "tls" $tls))) -}}
{{- end -}}
{{- if ne .Values.ipFamily "IPv4" -}}
{{- range list "grpc" "ops" "http" "public_http" -}}
{{- $address := dig "listeners" . "address" "" $config -}}
{{- if hasPrefix "0.0.0.0:" $address -}}
{{- $config = mergeOverwrite $config (dict "listeners" (dict . (dict "address" (printf "[::]:%s" (trimPrefix "0.0.0.0:" $address))))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The identity headers, those that rules of `config` set, and passports, in every spelling: one regular expression each. */}}
{{- define "rownd-authz.earlyStrip" -}}
{{- range list "user-id" "auth-level" "verified" "anonymous" "app-id" "app-variant" "issuer" "session-id" "roles" "groups" "tenant" "scopes" }}
- "^x[^a-z0-9]rownd[^a-z0-9]{{ replace "-" "[^a-z0-9]" . }}$"
{{- end }}
{{- $config := include "rownd-authz.settings" . | fromYaml }}
{{- $names := list }}
{{- range append (default list $config.routes) $config }}
{{- range .headers }}
{{- /* The client's own credential passes where no rule replaces it. */}}
{{- if ne .name "authorization" }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}
{{- if and (kindIs "map" .passport) (hasKey (default dict .passport) "audience") }}
{{- $names = append $names (ternary "txn-token" "x-rownd-passport" (eq (default "jwt" .passport.format) "txn-token")) }}
{{- end }}
{{- end }}
{{- range $names | uniq | sortAlpha }}
- "^{{ replace "-" "[^a-z0-9]" . }}$"
{{- end }}
{{- end -}}

{{/* Targets of Istio's policies, each with the group that its kind is known by. */}}
{{- define "rownd-authz.istioTargets" -}}
{{- $groups := dict "Gateway" "gateway.networking.k8s.io" "GatewayClass" "gateway.networking.k8s.io" "Service" "" "ServiceEntry" "networking.istio.io" -}}
{{- $found := list -}}
{{- range .Values.istio.authorizationPolicy.targetRefs -}}
{{- if not (or (hasKey . "group") (hasKey $groups .kind)) -}}
{{- fail (printf "istio.authorizationPolicy.targetRefs: write the group of %s %s; Istio protects a Gateway, a GatewayClass, a Service or a ServiceEntry" .kind .name) -}}
{{- end -}}
{{- $found = append $found (merge (deepCopy .) (dict "group" (get $groups .kind))) -}}
{{- end -}}
{{- toYaml $found -}}
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

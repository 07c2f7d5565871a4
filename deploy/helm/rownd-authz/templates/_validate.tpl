{{/* Values that contradict each other end here, with what to write instead. */}}
{{- define "rownd-authz.validate" -}}
{{- include "rownd-authz.validate.names" . -}}
{{- include "rownd-authz.validate.secrets" . -}}
{{- include "rownd-authz.validate.tls" . -}}
{{- include "rownd-authz.validate.pods" . -}}
{{- include "rownd-authz.validate.lists" . -}}
{{- include "rownd-authz.validate.mesh" . -}}
{{- include "rownd-authz.validate.shutdown" . -}}
{{- include "rownd-authz.validate.live" . -}}
{{- end -}}

{{- define "rownd-authz.validate.names" -}}
{{- $name := include "rownd-authz.fullname" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]*[a-z0-9])?$" $name) -}}
{{- fail (printf "fullnameOverride: without it the objects would be called `%s`, and the name of a Service begins with a letter and has small letters, digits and `-`; write one" $name) -}}
{{- end -}}
{{- if not (regexMatch "^([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$" .Values.image.repository) -}}
{{- fail (printf "image.repository: `%s` is not the name of an image without tag and digest; write registry.example.com/rownd-authz here, and the rest in image.tag or image.digest" .Values.image.repository) -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.validate.secrets" -}}
{{- range $value, $prefix := dict "appKey" "key_" "appSecret" "ras_" -}}
{{- $name := get $.Values.rownd $value -}}
{{- if hasPrefix $prefix $name -}}
{{- fail (printf "rownd.%s: it is the name of a key in the Secret rownd.existingSecret, such as app-key; what stands there begins with %s, so it looks like the secret itself, which belongs into that Secret" $value $prefix) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.rownd.existingSecret -}}
{{- if ne .Values.rownd.appKey "app-key" -}}
{{- fail (printf "rownd.appKey: `%s` is a key of the Secret rownd.existingSecret, which is not set; name the Secret" .Values.rownd.appKey) -}}
{{- end -}}
{{- if .Values.rownd.appSecret -}}
{{- fail (printf "rownd.appSecret: `%s` is a key of the Secret rownd.existingSecret, which is not set; name the Secret" .Values.rownd.appSecret) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.validate.tls" -}}
{{- with .Values.tls -}}
{{- if not .enabled -}}
{{- if .certManager.enabled -}}
{{- fail "tls.certManager.enabled: the certificate would not be used; set tls.enabled" -}}
{{- end -}}
{{- if .existingSecret -}}
{{- fail "tls.existingSecret: the certificate would not be used, and the listener be in plain text; set tls.enabled" -}}
{{- end -}}
{{- if .clientCA -}}
{{- fail "tls.clientCA: no caller would be asked for a certificate; set tls.enabled" -}}
{{- end -}}
{{- end -}}
{{- if and .enabled (not .existingSecret) (not .certManager.enabled) -}}
{{- fail "tls.enabled: name a Secret in tls.existingSecret, or set tls.certManager.enabled" -}}
{{- end -}}
{{- if and .certManager.enabled .existingSecret -}}
{{- fail "tls.existingSecret and tls.certManager.enabled: choose one" -}}
{{- end -}}
{{- if and .certManager.enabled (not (dig "name" "" (default dict .certManager.issuerRef))) -}}
{{- fail "tls.certManager.issuerRef: name the issuer, such as {name: my-ca, kind: ClusterIssuer}" -}}
{{- end -}}
{{- if .certManager.enabled -}}
{{- $duration := include "rownd-authz.milliseconds" .certManager.duration | int64 -}}
{{- $before := include "rownd-authz.milliseconds" .certManager.renewBefore | int64 -}}
{{- if or (lt $duration 3600000) (lt $before 300000) (ge $before $duration) -}}
{{- fail (printf "tls.certManager: a duration of %s that is renewed %s before its end is refused by cert-manager; write a duration of 1h or more, and a shorter renewBefore of 5m or more" .certManager.duration .certManager.renewBefore) -}}
{{- end -}}
{{- end -}}
{{- if and .enabled (eq $.Values.probes.readiness.type "grpc") -}}
{{- fail "probes.readiness.type: the kubelet's gRPC probe speaks no TLS; set it to exec" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The number of pods that a number or a percentage stands for; Kubernetes rounds up. In: dict of, pods. */}}
{{- define "rownd-authz.podCount" -}}
{{- $text := include "rownd-authz.text" .of -}}
{{- if regexMatch "^[0-9]+%$" $text -}}
{{- div (add (mul (trimSuffix "%" $text | int) .pods) 99) 100 -}}
{{- else if regexMatch "^[0-9]+$" $text -}}
{{- $text -}}
{{- else -}}
{{- fail (printf "podDisruptionBudget: `%s` is neither a number of pods nor a percentage; write 1 or 50%%" $text) -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.validate.update" -}}
{{- with .Values.updateStrategy -}}
{{- $foreign := ternary "Recreate" "OnDelete" (eq $.Values.mode "daemonset") -}}
{{- if eq $foreign (default "" .type) -}}
{{- fail (printf "updateStrategy.type: a %s has no %s; write RollingUpdate or %s" $.Values.mode $foreign (ternary "OnDelete" "Recreate" (eq $.Values.mode "daemonset"))) -}}
{{- end -}}
{{- if and .rollingUpdate (ne "RollingUpdate" (default "RollingUpdate" .type)) -}}
{{- fail (printf "updateStrategy.rollingUpdate: it is for the type RollingUpdate; leave it out with %s" .type) -}}
{{- end -}}
{{- with .rollingUpdate -}}
{{- if and (hasKey . "maxSurge") (hasKey . "maxUnavailable") (has (toString .maxSurge) (list "0" "0%")) (has (toString .maxUnavailable) (list "0" "0%")) -}}
{{- fail "updateStrategy.rollingUpdate: with no pod more and no pod less nothing could be replaced; write maxSurge: 1" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Service of IPv6 needs pods that listen on IPv6. */}}
{{- define "rownd-authz.validate.family" -}}
{{- $wants := "" -}}
{{- with .Values.service -}}
{{- if has "IPv6" (default list .ipFamilies) -}}
{{- $wants = "service.ipFamilies: a Service with an address of IPv6" -}}
{{- else if contains ":" (default "" .clusterIP) -}}
{{- $wants = printf "service.clusterIP: `%s`, an address of IPv6," .clusterIP -}}
{{- else if eq "RequireDualStack" (default "" .ipFamilyPolicy) -}}
{{- $wants = "service.ipFamilyPolicy: with RequireDualStack the Service has an address of IPv6, which" -}}
{{- end -}}
{{- end -}}
{{- if and $wants (not .Values.sidecarOnly) -}}
{{- $config := include "rownd-authz.config" . | fromYaml -}}
{{- range list "grpc" "ops" "http" "public_http" -}}
{{- $address := dig "listeners" . "address" "" $config | toString -}}
{{- /* Another address than 0.0.0.0 may be meant so: metrics by IPv4 alone, beside checks by both. */ -}}
{{- if or (hasPrefix "0.0.0.0:" $address) (and (eq . "grpc") (regexMatch "^[0-9.]+:[0-9]+$" $address)) -}}
{{- fail (printf "%s leads to pods that listen on %s, an address of IPv4 alone, so every connection would be refused; write ipFamily: IPv6, or ipFamily: DualStack, which listen on [::] wherever config has 0.0.0.0" $wants $address) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.validate.pods" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled: each pod would be scraped twice; enable one" -}}
{{- end -}}
{{- if and (eq .Values.dnsPolicy "None") (not (dig "nameservers" list .Values.dnsConfig)) -}}
{{- fail "dnsPolicy: with None the pods would have no nameserver; write dnsConfig: {nameservers: [10.0.0.10]}" -}}
{{- end -}}
{{- include "rownd-authz.validate.update" . -}}
{{- if and (eq .Values.service.ipFamilyPolicy "SingleStack") (gt (len .Values.service.ipFamilies) 1) -}}
{{- fail "service.ipFamilies: SingleStack has one family; write one, or ipFamilyPolicy: PreferDualStack" -}}
{{- end -}}
{{- include "rownd-authz.validate.family" . -}}
{{- range .Values.tolerations -}}
{{- if and .tolerationSeconds (ne "NoExecute" (default "" .effect)) -}}
{{- fail "tolerations: tolerationSeconds is for the effect NoExecute; write that effect, or leave tolerationSeconds out" -}}
{{- end -}}
{{- if and (eq "Exists" (default "" .operator)) (hasKey . "value") -}}
{{- fail "tolerations: the operator Exists has no value; write operator: Equal, or leave the value out" -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (eq $.Values.mode "daemonset") -}}
{{- fail "autoscaling.enabled: a daemonset has one pod on each node; set mode: deployment" -}}
{{- end -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas: %d is more than maxReplicas, %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.podDisruptionBudget.enabled (eq .Values.mode "deployment") (not .Values.sidecarOnly) -}}
{{- $pods := int (ternary .Values.autoscaling.minReplicas .Values.replicaCount .Values.autoscaling.enabled) -}}
{{- with .Values.podDisruptionBudget -}}
{{- if not (has .minAvailable (list nil "")) -}}
{{- $kept := include "rownd-authz.podCount" (dict "of" .minAvailable "pods" $pods) | int -}}
{{- if and $pods (ge $kept $pods) -}}
{{- fail (printf "podDisruptionBudget.minAvailable: %s is %d of %d replicas and would block every drain of a node" (include "rownd-authz.text" .minAvailable) $kept $pods) -}}
{{- end -}}
{{- else if and $pods (eq 0 (include "rownd-authz.podCount" (dict "of" .maxUnavailable "pods" $pods) | int)) -}}
{{- fail (printf "podDisruptionBudget.maxUnavailable: %s would block every drain of a node; write 1, or set podDisruptionBudget.enabled: false" (include "rownd-authz.text" .maxUnavailable)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Names that Kubernetes takes once. */}}
{{- define "rownd-authz.validate.lists" -}}
{{- include "rownd-authz.unique" (dict "items" (include "rownd-authz.environment" . | fromYamlArray) "what" "extraEnv: %s is set twice, or by another value of this chart already (rownd.appId, rownd.baseUrl, rownd.existingSecret); keep one") -}}
{{- include "rownd-authz.unique" (dict "items" (include "rownd-authz.volumes" . | fromYamlArray) "what" "extraVolumes: the volume %s is there twice; config, run, state, secret and tls are the chart's own") -}}
{{- $paths := list -}}
{{- range include "rownd-authz.mounts" . | fromYamlArray -}}
{{- if has .mountPath $paths -}}
{{- fail (printf "extraVolumeMounts: %s is mounted twice, or by the chart itself; choose another mountPath" .mountPath) -}}
{{- end -}}
{{- $paths = append $paths .mountPath -}}
{{- end -}}
{{- if not .Values.sidecarOnly -}}
{{- $ports := list (include "rownd-authz.grpcPort" .) (include "rownd-authz.opsPort" .) -}}
{{- with include "rownd-authz.httpPort" . -}}
{{- $ports = append $ports . -}}
{{- end -}}
{{- with include "rownd-authz.publicHttpPort" . -}}
{{- $ports = append $ports . -}}
{{- end -}}
{{- if ne (len $ports) (len (uniq $ports)) -}}
{{- fail (printf "config.listeners: two listeners have one port (%s); give each its own" (join ", " $ports)) -}}
{{- end -}}
{{- $outside := list (int .Values.service.port) (int .Values.service.opsPort) -}}
{{- if include "rownd-authz.httpPort" . -}}
{{- $outside = append $outside (int .Values.service.httpPort) -}}
{{- end -}}
{{- if include "rownd-authz.publicHttpPort" . -}}
{{- $outside = append $outside (int .Values.service.publicHttpPort) -}}
{{- end -}}
{{- if ne (len $outside) (len (uniq $outside)) -}}
{{- fail "service.port, service.opsPort, service.httpPort and service.publicHttpPort: two are equal; give each its own" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "rownd-authz.validate.mesh" -}}
{{- with .Values.istio -}}
{{- if .enabled -}}
{{- if and .authorizationPolicy.create (not .authorizationPolicy.selector) (not .authorizationPolicy.targetRefs) -}}
{{- fail "istio.authorizationPolicy: name what is protected, in selector or targetRefs; without either it would ask about every request of the namespace, those to rownd-authz included" -}}
{{- end -}}
{{- if and .authorizationPolicy.create (not .authorizationPolicy.rules) -}}
{{- fail "istio.authorizationPolicy.rules: a policy without rules checks nothing; write [{}] for every request, or set istio.authorizationPolicy.create: false" -}}
{{- end -}}
{{- if and $.Values.tls.enabled $.Values.tls.clientCA .destinationRule.create (ne "MUTUAL" (dig "tls" "mode" "" .destinationRule)) -}}
{{- fail "istio.destinationRule.tls: with tls.clientCA the proxies need a certificate; write {mode: MUTUAL, credentialName: SECRET} (of a gateway), or clientCertificate, privateKey and caCertificates (of a sidecar), or set istio.destinationRule.create: false and write a DestinationRule of your own" -}}
{{- end -}}
{{- end -}}
{{- if and .authorizationPolicy.selector .authorizationPolicy.targetRefs -}}
{{- fail "istio.authorizationPolicy: selector or targetRefs, not both" -}}
{{- end -}}
{{- end -}}
{{- with .Values.envoyGateway -}}
{{- if .enabled -}}
{{- if not .targetRefs -}}
{{- fail "envoyGateway.targetRefs: name what is protected, such as [{group: gateway.networking.k8s.io, kind: Gateway, name: NAME}]" -}}
{{- end -}}
{{- if and .clientTrafficPolicy.create (eq "[]" (include "rownd-authz.clientTrafficTargets" $ | trim)) -}}
{{- fail "envoyGateway.clientTrafficPolicy.targetRefs: name the Gateway where forged identity headers are removed early, such as [{kind: Gateway, name: NAME}]; where a ClientTrafficPolicy of your own does it, set envoyGateway.clientTrafficPolicy.create: false" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A duration of the configuration (`1m 30s`) in milliseconds, rounded down; -1 if it is none. */}}
{{- define "rownd-authz.milliseconds" -}}
{{- $units := dict "ms" 1 "msec" 1 "millis" 1 "s" 1000 "sec" 1000 "secs" 1000 "second" 1000 "seconds" 1000 "m" 60000 "min" 60000 "mins" 60000 "minute" 60000 "minutes" 60000 "h" 3600000 "hr" 3600000 "hrs" 3600000 "hour" 3600000 "hours" 3600000 "d" 86400000 "day" 86400000 "days" 86400000 -}}
{{- $total := 0 -}}
{{- if not (regexMatch "^\\s*([0-9]+\\s*[a-z]+\\s*)+$" .) -}}
{{- $total = -1 -}}
{{- else -}}
{{- range regexFindAll "[0-9]+\\s*[a-z]+" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $total = add $total (mul (regexFind "[0-9]+" . | int64) (get $units $unit | default 0)) -}}
{{- end -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{- define "rownd-authz.validate.shutdown" -}}
{{- $config := include "rownd-authz.settings" . | fromYaml -}}
{{- $delay := include "rownd-authz.milliseconds" (dig "shutdown" "drain_delay" "5s" $config | toString) | int64 -}}
{{- $grace := include "rownd-authz.milliseconds" (dig "shutdown" "grace" "20s" $config | toString) | int64 -}}
{{- $given := mul 1000 (int64 .Values.terminationGracePeriodSeconds) -}}
{{- if and (ge $delay 0) (ge $grace 0) (le $given (add $delay $grace)) -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is not more than config.shutdown.drain_delay and grace together, %s s: pods would be killed while they drain" (int .Values.terminationGracePeriodSeconds) (divf (add $delay $grace) 1000 | toString)) -}}
{{- end -}}
{{- end -}}

{{/* What only the cluster tells; `helm template` does not ask it. */}}
{{- define "rownd-authz.validate.live" -}}
{{- if not .Values.sidecarOnly -}}
{{- $kind := ternary "DaemonSet" "Deployment" (eq .Values.mode "daemonset") -}}
{{- $live := lookup "apps/v1" $kind .Release.Namespace (include "rownd-authz.fullname" .) -}}
{{- with dig "spec" "selector" "matchLabels" dict (default dict $live) -}}
{{- $wanted := include "rownd-authz.serverLabels" $ | fromYaml -}}
{{- if ne (toJson .) (toJson $wanted) -}}
{{- fail (printf "nameOverride: the %s %s has the selector %s, and Kubernetes lets nobody change it to %s; keep nameOverride and the release's name as they were, or set another fullnameOverride" $kind (include "rownd-authz.fullname" $) (toJson .) (toJson $wanted)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

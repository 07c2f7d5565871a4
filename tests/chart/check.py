"""Holds the Helm chart to what it promises: `make chart` runs this.

In: the chart, scenarios/*.yaml (one values file each), Helm 3 and Helm 4, the Kubernetes
schemas, the custom resource definitions, and the program itself. Out: nothing and 0, or
every problem that was found and 1. With `--update` it writes snapshots/ anew.
"""

import argparse
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile

import jsonschema
import referencing
import yaml

import live
import pages

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "deploy" / "helm" / "rownd-authz"
TOOLS = ROOT / ".tools" / "chart"
HELMS = {"helm3": TOOLS / "helm3", "helm4": TOOLS / "helm4"}
KUBERNETES = ("1.29", "1.33", "1.37")
# Kinds with the schemas of Kubernetes itself; all others need a definition in crds/.
BUILT_IN = ("v1", "apps/v1", "batch/v1", "autoscaling/v2", "policy/v1", "networking.k8s.io/v1")

problems = []


def problem(where, what):
    problems.append(f"{where}: {what}")


def helm(program, *arguments):
    return subprocess.run([HELMS[program], *map(str, arguments)], capture_output=True, text=True)


def render(program, values, kubernetes="1.33", chart=CHART):
    """The text that a scenario renders to."""
    files = [flag for file in values for flag in ("-f", file)]
    done = helm(program, "template", "release", chart, "--namespace", "rownd",
                "--kube-version", kubernetes, *files)
    if done.returncode:
        problem(f"{program} template {[f.name for f in values]}", done.stderr.strip())
        return ""
    return done.stdout


class Strict(yaml.SafeLoader):
    """YAML as the API server reads it: a key that stands there twice is an error."""


def once(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"{key} stands there twice", node.start_mark)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


# An operator that is called "=" is text, not YAML 1.1's default value.
yaml.CSafeLoader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)
Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, once)


def objects(text):
    return [each for each in yaml.load_all(text, Strict) if each]


def title(item):
    return f"{item['kind']}/{item['metadata']['name']}"


# --- schemas ---------------------------------------------------------------------------

class Kubernetes:
    """The strict schemas of one release: no unknown field, no wrong type."""

    def __init__(self, archive, version):
        self.archive, self.cache = archive, {}
        self.folder = f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict"
        definitions = json.loads(archive.read(f"{self.folder}/_definitions.json"))
        resource = referencing.Resource.from_contents(
            definitions, default_specification=referencing.jsonschema.DRAFT202012)
        self.registry = referencing.Registry().with_resources(
            [("_definitions.json", resource), (definitions.get("$id", "_definitions.json"), resource)])

    def errors(self, item):
        group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", item["apiVersion"])
        name = f"{self.folder}/{item['kind'].lower()}-{group}.json"
        if name not in self.cache:
            schema = json.loads(self.archive.read(name))
            self.cache[name] = jsonschema.Draft202012Validator(schema, registry=self.registry)
        return list(self.cache[name].iter_errors(item))


def closed(schema):
    """A definition's schema as an API server with strict validation takes it: what it does
    not name is refused."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: closed(each) for name, each in value.items()}
        elif key in ("default", "enum", "example"):
            result[key] = value
        else:
            result[key] = closed(value)
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("type", None)
    if "properties" in schema and "type" in schema and "additionalProperties" not in schema \
            and not schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = False
    return result


def definitions():
    """Every custom resource's schema, by version and kind."""
    found = {}
    for file in sorted((TOOLS / "crds").rglob("*.yaml")):
        # A chart's own condition around a definition is not YAML.
        lines = [line for line in file.read_text().splitlines() if not line.startswith("{{")]
        for item in yaml.load_all("\n".join(lines), yaml.CSafeLoader):
            if not item or item["kind"] != "CustomResourceDefinition":
                continue
            spec = item["spec"]
            for version in spec["versions"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                schema["properties"].update(apiVersion={"type": "string"}, kind={"type": "string"},
                                            metadata={"type": "object"})
                if version["served"]:
                    found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = \
                        jsonschema.Draft7Validator(schema)
    return found


def check_schemas(where, items, kubernetes, customs):
    for item in items:
        if item["apiVersion"] in BUILT_IN:
            errors = kubernetes.errors(item)
        elif (item["apiVersion"], item["kind"]) in customs:
            errors = customs[item["apiVersion"], item["kind"]].iter_errors(item)
        else:
            problem(where, f"no schema for {item['apiVersion']} {item['kind']}")
            continue
        for error in errors:
            path = ".".join(map(str, error.absolute_path))
            problem(where, f"{title(item)}: {path}: {error.message[:300]}")


# --- what every rendering has to hold -----------------------------------------------------

def pods(items):
    """Name, labels and spec of every pod that an object makes."""
    for item in items:
        if item["kind"] == "Pod":
            yield title(item), item["metadata"]["labels"], item["spec"]
        elif item["kind"] in ("Deployment", "DaemonSet", "Job"):
            template = item["spec"]["template"]
            yield title(item), template["metadata"]["labels"], template["spec"]


def check_pod(where, name, spec):
    """The restricted Pod Security Standard, and our own promises."""
    def hold(condition, what):
        if not condition:
            problem(where, f"{name}: {what}")

    hold(spec.get("automountServiceAccountToken") is False, "mounts a service account token")
    hold(spec.get("enableServiceLinks") is False, "has service links in its environment")
    hold(not spec.get("hostNetwork") and not spec.get("hostPID"), "is in the host's namespaces")
    context = spec["securityContext"]
    hold(context.get("runAsNonRoot") and context.get("runAsUser") == 65532, "may run as root")
    hold(context.get("seccompProfile") == {"type": "RuntimeDefault"}, "has no seccomp profile")
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for container in spec["containers"] + spec.get("initContainers", []):
        inner = container["securityContext"]
        hold(inner["allowPrivilegeEscalation"] is False, "may gain privileges")
        hold(inner["readOnlyRootFilesystem"] is True, "may write to its root")
        hold(inner["capabilities"] == {"drop": ["ALL"]}, "keeps capabilities")
        hold("memory" in container["resources"]["limits"], "has no memory limit")
        for mount in container.get("volumeMounts", []):
            hold(mount["name"] in volumes, f"mounts {mount['name']}, which is no volume")
            hold("subPath" not in mount, f"mounts {mount['name']} by subPath, which is never updated")
        names = [variable["name"] for variable in container.get("env", [])]
        hold(len(names) == len(set(names)), f"sets a variable twice: {names}")


def check_selectors(where, items):
    """Each selector finds the serving pods, and never the pod of `helm test`."""
    others = ("Pod/", "Job/")
    servers = [labels for name, labels, _ in pods(items) if not name.startswith(others)]
    tests = [labels for name, labels, _ in pods(items) if name.startswith(others)]
    for item in items:
        spec = item.get("spec", {})
        selector = {
            "Service": lambda: spec["selector"],
            "Deployment": lambda: spec["selector"]["matchLabels"],
            "DaemonSet": lambda: spec["selector"]["matchLabels"],
            "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
            "NetworkPolicy": lambda: spec["podSelector"]["matchLabels"],
            "PodMonitor": lambda: spec["selector"]["matchLabels"],
        }.get(item["kind"], lambda: None)()
        if selector is None:
            continue
        matches = lambda labels: selector.items() <= labels.items()
        if not servers or not all(map(matches, servers)):
            problem(where, f"{title(item)} does not select the serving pods: {selector}")
        if any(map(matches, tests)):
            problem(where, f"{title(item)} selects the test pod")


def check_ports(where, items):
    """Every port that is named by name exists on the container."""
    named = {port["name"] for _, _, spec in pods(items) for container in spec["containers"]
             for port in container.get("ports", [])}
    for item in items:
        if item["kind"] == "Service":
            for port in item["spec"]["ports"]:
                if port["targetPort"] not in named:
                    problem(where, f"{title(item)}: no port {port['targetPort']} on the container")


def check_configuration(where, items, binary):
    """The program takes the file that the chart writes."""
    for item in items:
        text = item.get("data", {}).get("rownd-authz.yaml") if item["kind"] == "ConfigMap" else None
        if text is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "rownd-authz.yaml"
            # Where the pod has a volume, this machine has a folder.
            text = text.replace("/var/lib/rownd-authz", folder).replace("/run/secrets/callers", folder)
            (pathlib.Path(folder) / "shop").write_text("a-secret-of-a-caller-that-is-long-enough")
            file.write_text(certificates(text, folder))
            done = subprocess.run([binary, "config", "check", "--skip-host", "--config", file], text=True,
                                  capture_output=True, env={"ROWND_APP_ID": "app_chart"})
        if done.returncode:
            problem(where, f"{title(item)}: {done.stdout}{done.stderr}")


def check_test_pod(where, items, binary):
    """The program takes what the pod of `helm test` tells it, and finds nobody there."""
    for name, _, spec in pods(items):
        if not name.startswith("Pod/"):
            continue
        container, asked = spec["containers"]
        check_asked(where, name, asked, items)
        for argument in container["args"]:
            file = argument.partition("=/etc/")[2]
            if file and f"/etc/{file.rpartition('/')[0]}" not in [
                    mount["mountPath"] for mount in container.get("volumeMounts", [])]:
                problem(where, f"{name}: {argument} is in no mount")
        with tempfile.TemporaryDirectory() as folder:
            arguments = [re.sub("--address=.*", "--address=127.0.0.1:1", certificates(argument, folder))
                         for argument in container["args"]]
            done = subprocess.run([binary, *arguments], capture_output=True, text=True)
        if done.returncode != 1 or "cannot ask 127.0.0.1:1" not in done.stderr:
            problem(where, f"{name}: {arguments}: {done.returncode}: {done.stdout}{done.stderr}")


def check_asked(where, name, asked, items):
    """The container that asks about the configuration has all that the serving one has."""
    [server] = [container for other, _, spec in pods(items) if not other.startswith(("Pod/", "Job/"))
                for container in spec["containers"] if container["name"] == "rownd-authz"]
    for what in ("image", "env", "envFrom", "volumeMounts"):
        if asked.get(what) != server.get(what):
            problem(where, f"{name}: {what} of {asked['name']} is not that of the server")
    if asked["args"] != ["config", "check"]:
        problem(where, f"{name}: asks {asked['args']}")


def labels_within(value):
    """Every `matchLabels`, however deep."""
    if isinstance(value, list):
        return [found for each in value for found in labels_within(each)]
    if not isinstance(value, dict):
        return []
    inner = [found for each in value.values() for found in labels_within(each)]
    return inner + ([value["matchLabels"]] if isinstance(value.get("matchLabels"), dict) else [])


def check_texts(where, items):
    """What Kubernetes wants as text is text, in resources of others, too."""
    maps = []
    for item in items:
        spec = item.get("spec", {})
        maps += [item["metadata"].get("labels"), item["metadata"].get("annotations")]
        maps += [spec.get("workloadSelector", {}).get("labels")]
        maps += labels_within(spec)
    for _, labels, spec in pods(items):
        maps += [labels, spec.get("nodeSelector")]
    for each in filter(None, maps):
        for key, value in each.items():
            if not isinstance(value, str):
                problem(where, f"{key}: {value!r} is no text")


def certificates(text, folder):
    """The same with real certificates in place of those that a Secret holds."""
    held = re.compile("/etc/rownd-authz/(tls|client|passport)/")
    if not held.search(text):
        return text
    if (pathlib.Path(folder) / "tls.crt").exists():
        return held.sub(f"{folder}/", text)
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=chart", "-addext", "subjectAltName=DNS:chart",
            "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt"]
    subprocess.run(make, check=True, capture_output=True)
    for name in ("ca.crt", "clients.crt"):
        shutil.copy(f"{folder}/tls.crt", f"{folder}/{name}")
    shutil.copy(f"{folder}/tls.key", f"{folder}/2026-11.pem")
    return held.sub(f"{folder}/", text)


def check_scenario(name, values, schemas, customs, binary, update):
    text = render("helm4", values)
    if not text:
        return
    for version in KUBERNETES:
        other = objects(render("helm4", values, version))
        check_schemas(f"{name} on Kubernetes {version}", other, schemas[version], customs)
    items = objects(text)
    older = objects(render("helm3", values))
    order = lambda item: (item["kind"], title(item))
    if sorted(older, key=order) != sorted(items, key=order):
        problem(name, "Helm 3 and Helm 4 differ")
    for pod, _, spec in pods(items):
        check_pod(name, pod, spec)
    check_selectors(name, items)
    check_ports(name, items)
    check_texts(name, items)
    check_configuration(name, items, binary)
    check_test_pod(name, items, binary)
    for item in items:
        if len(item["metadata"]["name"]) > 63:
            problem(name, f"{title(item)}: the name is too long")
    snapshot = HERE / "snapshots" / f"{name}.yaml"
    if update:
        snapshot.write_text(text)
    elif not snapshot.exists() or snapshot.read_text() != text:
        problem(name, "differs from its snapshot; see `make chart ARGS=--update` and `git diff`")


# --- values that are refused ---------------------------------------------------------------

def nested(path, values):
    """The values under a path of maps."""
    for name in reversed(path.split(".")):
        values = {name: values}
    return values


# Something that the group `webhooks` serves.
WEBHOOKS = {"sources": [{"name": "hub", "kind": "rownd_webhook", "issuer": "rownd",
                         "caller": {"secret": "file:/run/secrets/hub"}}]}

# Name, values, and what the message has to say: a word of Helm 3, one of Helm 4 where they differ.
REFUSED = [
    ("an unknown key", {"replicas": 3}, ["replicas"]),
    ("an unknown key below", {"service": {"headles": True}}, ["headles"]),
    ("an unknown setting", {"config": {"check": {"timout": "1s"}}}, ["timout"]),
    ("a word for a number", {"replicaCount": "two"}, ["replicaCount", "integer"]),
    ("a number for a word", {"mode": 3}, ["mode"]),
    ("another mode", {"mode": "statefulset"}, ["mode", "deployment", "daemonset"]),
    ("text for a switch", {"tls": {"enabled": "yes please"}}, ["enabled", "boolean"]),
    ("a list for a map", {"resources": []}, ["resources", "object"]),
    ("a map for a list", {"extraEnv": {"A": "b"}}, ["extraEnv", "array"]),
    ("a variable without a name", {"extraEnv": [{"value": "b"}]}, ["name"]),
    ("a digest that is none", {"image": {"digest": "latest"}}, ["digest"]),
    ("another log level", {"config": {"log": {"level": "loud"}}}, ["level", "debug"]),
    ("a number out of bounds", {"config": {"check": {"max_headers": 0}}}, ["max_headers"]),
    ("a route without id", {"config": {"routes": [{"auth": "none"}]}}, ["id"]),
    ("another kind of issuer", {"config": {"issuers": [{"name": "a", "kind": "none"}]}}, ["kind", "rownd"]),
    ("no port", {"service": {"port": 0}}, ["port"]),
    ("a timeout without a unit", {"istio": {"timeout": "5"}}, ["timeout"]),
    ("both monitors", {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
     ["serviceMonitor.enabled and podMonitor.enabled", "enable one"]),
    ("an autoscaled daemonset", {"mode": "daemonset", "autoscaling": {"enabled": True}},
     ["set mode: deployment"]),
    ("more than most", {"autoscaling": {"enabled": True, "minReplicas": 5, "maxReplicas": 3}},
     ["minReplicas: 5 is more than maxReplicas, 3"]),
    ("TLS without a certificate", {"tls": {"enabled": True}}, ["tls.existingSecret", "tls.certManager.enabled"]),
    ("a certificate without TLS", {"tls": {"certManager": {"enabled": True}}}, ["set tls.enabled"]),
    ("a certificate without an issuer", {"tls": {"enabled": True, "certManager": {"enabled": True}}},
     ["tls.certManager.issuerRef", "ClusterIssuer"]),
    ("a gRPC probe over TLS",
     {"tls": {"enabled": True, "existingSecret": "x"}, "probes": {"readiness": {"type": "grpc"}}},
     ["probes.readiness.type", "set it to exec"]),
    ("Istio without a workload", {"istio": {"enabled": True}},
     ["istio.authorizationPolicy", "selector or targetRefs"]),
    ("Envoy Gateway without a target", {"envoyGateway": {"enabled": True}},
     ["envoyGateway.targetRefs", "kind: Gateway"]),
    ("Envoy Gateway with a route for the only target",
     {"envoyGateway": {"enabled": True, "targetRefs": [{"kind": "HTTPRoute", "name": "shop"}]}},
     ["envoyGateway.clientTrafficPolicy.targetRefs", "create: false"]),
    *[(f"a budget that blocks drains, {value!r}", {"podDisruptionBudget": {"minAvailable": value}},
       [f"{value} is 2 of 2 replicas and would block every drain"]) for value in (2, "2", "100%", "51%")],
    *[(f"a budget that lets nobody go, {value!r}", {"podDisruptionBudget": {"maxUnavailable": value}},
       [f"maxUnavailable: {value} would block every drain"]) for value in (0, "0", "0%")],
    ("a budget in words", {"podDisruptionBudget": {"minAvailable": "half"}}, ["half", "50%"]),
    ("a budget of the autoscaler's least", {"autoscaling": {"enabled": True}, "podDisruptionBudget": {"minAvailable": 2}},
     ["2 is 2 of 2 replicas"]),
    *[(f"a drain of {delay} and {grace}", {"config": {"shutdown": {"drain_delay": delay, "grace": grace}}},
       ["terminationGracePeriodSeconds: 35 is not more", f"{needed} s"])
      for delay, grace, needed in (("20000ms", "20s", 40), ("5s", "1m", 65), ("1 m", "1s", 61), ("5s", "1m30s", 95),
                                   ("30s", "5s", 35), ("1h 1m", "20s", 3680))],
    ("a configuration that is empty", {"config": None}, ["config: it is empty", "config: {}"]),
    *[(f"{at} that is empty", {"config": config}, [f"{at}: it is empty (null)", f"such as 0.0.0.0:{port}"])
      for at, config, port in (
          ("config.listeners", {"listeners": None}, 50051), ("config.listeners.grpc", {"listeners": {"grpc": None}}, 50051),
          ("config.listeners.grpc.address", {"listeners": {"grpc": {"address": None}}}, 50051),
          ("config.listeners.ops", {"listeners": {"ops": None}}, 9464))],
    *[(f"a Service of IPv6: {service}", {"service": service} | more, [word, "listen on", "ipFamily: DualStack"])
      for word, service, more in (
          ("service.ipFamilies", {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}, {}),
          ("service.ipFamilies", {"ipFamilies": ["IPv4", "IPv6"]}, {}),
          ("service.clusterIP", {"clusterIP": "fd00::10"}, {}),
          ("service.ipFamilyPolicy", {"ipFamilyPolicy": "RequireDualStack"}, {}),
          ("service.ipFamilies", {"ipFamilies": ["IPv6"]},
           {"ipFamily": "DualStack", "config": {"listeners": {"grpc": {"address": "10.0.0.5:50051"}}}}))],
    ("loopback where the pods listen on IPv6", {"ipFamily": "IPv6", "config": {"listeners": {"grpc": {"address": "127.0.0.1:50051"}}}},
     ["write [::]:50051"]),
    ("a section that is empty", {"service": None}, ["service"]),
    ("a switch that is empty", {"podDisruptionBudget": {"enabled": None}}, ["enabled"]),
    ("a number that is empty", {"terminationGracePeriodSeconds": None}, ["terminationGracePeriodSeconds"]),
    *[(f"a listener on {address}", {"config": {"listeners": {name: {"address": address}}}},
       [f"config.listeners.{name}.address", "0.0.0.0"])
      for name, address in (("grpc", "127.0.0.1:50051"), ("ops", "127.0.0.1:9464"), ("grpc", "[::1]:50051"),
                            ("grpc", "0.0.0.0:0"))],
    # The schema's words; each Helm has its own.
    *[(f"a listener on {address}", {"config": {"listeners": {name: {"address": address}}}},
       ["address", "not match pattern"])
      for name, address in (("grpc", "0.0.0.0"), ("ops", "[::]:70000"))],
    ("two listeners on one port", {"config": {"listeners": {"ops": {"address": "0.0.0.0:50051"}}}},
     ["two listeners have one port"]),
    ("two ports alike", {"service": {"port": 9464}}, ["service.port, service.opsPort", "two are equal"]),
    ("a port of both HTTP listeners",
     {"service": {"publicHttpPort": 8085},
      "config": {"events": WEBHOOKS, "listeners": {"http": {"serve": ["rpc"], "hosts": ["authz.test"]},
                                                   "public_http": {"serve": ["webhooks"]}}}},
     ["service.httpPort and service.publicHttpPort", "two are equal"]),
    ("both HTTP listeners on one port",
     {"config": {"events": WEBHOOKS,
                 "listeners": {"http": {"serve": ["rpc"], "hosts": ["authz.test"]},
                               "public_http": {"serve": ["webhooks"], "address": "0.0.0.0:8085"}}}},
     ["two listeners have one port"]),
    # The schema's words; each Helm has its own.
    ("calls of backends on the public listener",
     {"config": {"listeners": {"public_http": {"serve": ["rpc"]}}}}, ["public_http", "serve"]),
    ("a certificate of callers without TLS", {"tls": {"clientCA": "ca.crt"}}, ["tls.clientCA", "set tls.enabled"]),
    ("a Secret without TLS", {"tls": {"existingSecret": "x"}}, ["tls.existingSecret", "set tls.enabled"]),
    ("the app key itself", {"rownd": {"existingSecret": "rownd", "appKey": "key_abc"}},
     ["rownd.appKey", "name of a key in the Secret"]),
    ("the app secret itself", {"rownd": {"existingSecret": "rownd", "appSecret": "ras_abc"}},
     ["rownd.appSecret", "name of a key in the Secret"]),
    ("a key of no Secret", {"rownd": {"appKey": "key"}}, ["rownd.existingSecret, which is not set"]),
    ("Istio without rules", {"istio": {"enabled": True, "authorizationPolicy": {"selector": {"a": "b"}, "rules": []}}},
     ["istio.authorizationPolicy.rules", "[{}]"]),
    ("Istio with a target of a group unknown",
     {"istio": {"enabled": True, "authorizationPolicy": {"targetRefs": [{"kind": "Ingress", "name": "a"}]}}},
     ["write the group of Ingress a"]),
    ("Istio without a certificate for rownd-authz",
     {"tls": {"enabled": True, "existingSecret": "x", "clientCA": "ca.crt"},
      "istio": {"enabled": True, "authorizationPolicy": {"selector": {"a": "b"}}}},
     ["istio.destinationRule.tls", "MUTUAL"]),
    ("a variable twice", {"rownd": {"appId": "app_a"}, "extraEnv": [{"name": "ROWND_APP_ID", "value": "app_b"}]},
     ["extraEnv: ROWND_APP_ID is set twice"]),
    ("a volume twice", {"extraVolumes": [{"name": "state", "emptyDir": {}}]}, ["extraVolumes: the volume state"]),
    ("a mount twice", {"extraVolumeMounts": [{"name": "run", "mountPath": "/run/rownd-authz"}]},
     ["extraVolumeMounts: /run/rownd-authz"]),
    *[(f"a typo in {where}", {where: value}, [word]) for where, value, word in (
        ("resources", {"limit": {"memory": "1Gi"}}, "limit"),
        ("securityContext", {"readonlyRootFilesystem": True}, "readonlyRootFilesystem"),
        ("podSecurityContext", {"runAsuser": 1}, "runAsuser"),
        ("affinity", {"podantiAffinity": {}}, "podantiAffinity"),
        ("tolerations", [{"keys": "a"}], "keys"),
        ("dnsConfig", {"nameserver": ["10.0.0.1"]}, "nameserver"),
        ("hostAliases", [{"ip": "10.0.0.1", "hostname": "a"}], "hostname"))],
    ("a requirement that is none",
     {"config": {"routes": [{"id": "a", "match": {"path": {"prefix": "/a"}}, "require": {"scop": "x"}}]}}, ["scop"]),
    ("a grace that is too short", {"terminationGracePeriodSeconds": 20},
     ["20 is not more than", "25 s"]),
    ("a Unix socket behind a Service", {"config": {"listeners": {"grpc": {"address": "unix:/run/a"}}}},
     ["config.listeners.grpc.address", "sidecarOnly: true"]),
    # Values that Kubernetes or cert-manager refuses: the words are the schema's, or ours.
    *[(f"{where} with {key}: {value}", nested(where, {key: value}), words) for where, key, value, words in (
        ("podLabels", "x", "has blank", ["podLabels/x", "pattern"]),
        ("commonLabels", "x", "a" * 64, ["commonLabels/x", "pattern"]),
        ("service.labels", "bad key", "a", ["service/labels", "bad key"]),
        ("podAnnotations", "bad key", "a", ["podAnnotations", "bad key"]),
        ("image", "repository", "registry.example.com/rownd-authz:0.1.0", ["image.repository", "image.tag"]),
        ("image", "repository", "Rownd", ["image.repository", "without tag and digest"]),
        ("image", "tag", "a b", ["image/tag"]),
        ("rownd", "existingSecret", "My_Secret", ["rownd/existingSecret"]),
        ("rownd", "appId", "key_abc", ["rownd/appId"]),
        ("rownd", "appId", "12345678901234567", ["rownd/appId"]),
        ("rownd", "baseUrl", "api.rownd.io", ["rownd/baseUrl"]),
        ("service", "clusterIP", "None", ["service/clusterIP"]),
        ("service", "ipFamilies", ["IPv4", "IPv4"], ["service/ipFamilies"]),
        ("service", "loadBalancerSourceRanges", ["10.0.0.1"], ["loadBalancerSourceRanges/0"]),
        ("service", "trafficDistribution", "Close", ["service/trafficDistribution"]),
        ("updateStrategy", "type", "Rolling", ["updateStrategy/type"]),
        ("updateStrategy", "type", "OnDelete", ["updateStrategy.type", "deployment has no OnDelete"]),
        ("updateStrategy", "rollingUpdate", {"maxSurge": 0, "maxUnavailable": 0},
         ["updateStrategy.rollingUpdate", "write maxSurge: 1"]),
        ("serviceAccount", "name", "Mine", ["serviceAccount/name"]),
        ("dnsConfig", "nameservers", ["dns.internal"], ["nameservers/0"]),
        ("istio.authorizationPolicy", "selector", {"a": "b c"}, ["selector/a"]))],
    ("a name in capitals", {"nameOverride": "Authz"}, ["nameOverride"]),
    ("a full name that begins with a digit", {"fullnameOverride": "1-authz"}, ["fullnameOverride"]),
    ("pods without a nameserver", {"dnsPolicy": "None"}, ["dnsPolicy: with None", "dnsConfig: {nameservers"]),
    ("a size in bytes of nobody", {"runDirectorySize": "64MB"}, ["runDirectorySize"]),
    ("a state volume of two kinds", {"stateVolume": {"persistentVolumeClaim": {"claimName": "x"}, "emptyDir": {}}},
     ["stateVolume"]),
    ("a state volume of no kind", {"stateVolume": {"pvc": {"claimName": "x"}}}, ["stateVolume"]),
    *[(f"a certificate of {duration}, renewed {before} before",
       {"tls": {"enabled": True, "certManager": {"enabled": True, "issuerRef": {"name": "ca"},
                                                 "duration": duration, "renewBefore": before}}},
       ["tls.certManager", f"a duration of {duration}", "renewBefore of 5m"])
      for duration, before in (("1h", "2h"), ("24h", "24h"), ("30m", "10m"), ("2h", "1m"))],
    ("an update of a daemonset that is none", {"mode": "daemonset", "updateStrategy": {"type": "Recreate"}},
     ["daemonset has no Recreate", "OnDelete"]),
    ("two families with one stack", {"service": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4", "IPv6"]}},
     ["service.ipFamilies", "PreferDualStack"]),
    ("a toleration of everything with a value", {"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]},
     ["tolerations", "Exists has no value"]),
    ("a toleration for a time of no eviction", {"tolerations": [{"key": "a", "operator": "Exists", "tolerationSeconds": 6}]},
     ["tolerationSeconds is for the effect NoExecute"]),
    ("a spread of another kind",
     {"topologySpreadConstraints": [{"maxSkew": 0, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule"}]}, ["maxSkew"]),
    ("a variable of two sources", {"extraEnv": [{"name": "A", "value": "b", "valueFrom": {}}]}, ["extraEnv/0"]),
    ("a variable with a blank", {"extraEnv": [{"name": "A B", "value": "b"}]}, ["extraEnv/0/name"]),
    ("a context extension without a value",
     {"envoyGateway": {"enabled": True, "targetRefs": [{"kind": "Gateway", "name": "a"}],
                       "contextExtensions": [{"name": "route"}]}}, ["contextExtensions/0"]),
    # The rules of the program's schema hold here, too.
    ("an event sink of two kinds", {"config": {"events": {"sinks": [{"name": "a", "stdout": {}, "stream": {}}]}}},
     ["sinks/0"]),
    ("a hook without a way", {"config": {"hooks": {"before_exchange": {"on_failure": "allow"}}}}, ["before_exchange"]),
    ("Redis in plain text", {"config": {"shared": {"url": "redis://redis.example.com", "key": "file:/k"}}}, ["shared/url"]),
]


def check_refusals():
    for name, values, words in REFUSED:
        for program in HELMS:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(json.dumps(values))
                file.flush()
                done = helm(program, "template", "release", CHART, "-f", file.name)
            if not done.returncode:
                problem(f"{program}: {name}", "was rendered")
            for word in words:
                # Helm 3 writes a place with points.
                if word not in done.stderr and word.replace("/", ".") not in done.stderr:
                    problem(f"{program}: {name}", f"the message lacks `{word}`: {done.stderr.strip()}")


# By --set, which knows whole numbers where a file has floats: words of the error, or of what is rendered.
SET = [
    ("podDisruptionBudget.minAvailable=2", False, "2 is 2 of 2 replicas"),
    ("podDisruptionBudget.maxUnavailable=0", False, "maxUnavailable: 0 would block"),
    ("config=null", False, "config: it is empty"),
    ("config.listeners.http.serve[0]=rpc,config.listeners.http.hosts[0]=authz.test,service.httpPort=9464", False, "two are equal"),
    (r"podAnnotations.prometheus\.io/port=9464", True, 'prometheus.io/port: "9464"'),
    (r"nodeSelector.pool=3", True, 'pool: "3"'),
    ("extraEnv[0].name=A,extraEnv[0].value=67108864", True, 'value: "67108864"'),
    ("podDisruptionBudget.minAvailable=null", True, "maxUnavailable: 1"),
    ("podDisruptionBudget.minAvailable=0", True, "minAvailable: 0"),
    ("ipFamily=DualStack,service.ipFamilyPolicy=RequireDualStack", True, "ipFamilyPolicy: RequireDualStack"),
    # `config` lacks it, and a variable brings it.
    ("config.listeners.http.serve[0]=rpc,extraEnv[0].name=ROWND_AUTHZ__LISTENERS__HTTP__HOSTS,extraEnv[0].value=authz.test",
     True, "name: ROWND_AUTHZ__LISTENERS__HTTP__HOSTS"),
    ("config.listeners.public_http.serve[0]=webhooks,extraEnv[0].name=ROWND_AUTHZ__EVENTS__SOURCES,extraEnv[0].value=x",
     True, "name: ROWND_AUTHZ__EVENTS__SOURCES"),
    (r"config.shared.url=rediss://a.test,config.shared.key=file:/k,config.shared.username=authz", True, "username: authz"),
]


def check_set():
    for value, taken, words in SET:
        for program in HELMS:
            done = helm(program, "template", "release", CHART, "--set", value)
            if (done.returncode == 0) != taken or words not in done.stdout + done.stderr:
                problem(f"{program}: --set {value}", f"no `{words}`: {done.stderr}")


def settings(values, at=""):
    """Every place in the values, with what stands there."""
    for key, value in values.items():
        yield at + key, value
        if isinstance(value, dict):
            yield from settings(value, f"{at}{key}.")


# Everything on that has templates of its own.
ALL_ON = {
    "istio": {"enabled": True, "authorizationPolicy": {"selector": {"app": "shop"}}},
    "envoyGateway": {"enabled": True, "targetRefs": [{"kind": "Gateway", "name": "public"}]},
    "tls": {"enabled": True, "certManager": {"enabled": True, "issuerRef": {"name": "ca"}}},
    **{name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboards", "networkPolicy", "autoscaling")},
}
# Words of an error that is none of this chart's own.
RAW = ("error calling", "wrong type for value", "nil pointer", "<nil>", "reflect", "interface {}")


def check_nulls():
    """A map or a list that is left empty (`podLabels:`) is as good as an empty one, or an error in plain words."""
    places = settings(yaml.safe_load((CHART / "values.yaml").read_text()))
    for place, value in [(place, value) for place, value in places if isinstance(value, (dict, list))]:
        values = json.loads(json.dumps(ALL_ON))
        inner, (*above, last) = values, place.split(".")
        for name in above:
            inner = inner.setdefault(name, {})
        inner[last] = None
        for program in HELMS:
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(json.dumps(values))
                file.flush()
                done = helm(program, "template", "release", CHART, "-f", file.name)
            said = done.stderr if done.returncode else done.stdout
            # `fail` is called like any other function.
            if any(word in said.replace("error calling fail", "").replace("error calling include", "") for word in RAW):
                problem(f"{program}: {place}: null", said[-400:] if done.returncode else "has <nil> in an object")
            if done.returncode and value in ({}, []) and place not in NEEDED:
                problem(f"{program}: {place}: null", f"is refused, and {value} is not: {done.stderr.strip()[-400:]}")


# Values that are empty by default and have to be filled in here, because something is on.
NEEDED = ("istio.authorizationPolicy.selector", "envoyGateway.targetRefs", "tls.certManager.issuerRef")


# --- the rest ------------------------------------------------------------------------------

# Scenario, and what Helm has to print after its installation.
NOTES = [
    ("minimal", ["rollout status deployment/release-rownd-authz", "helm -n rownd test release"]),
    ("istio-gateway", ["extensionProviders:", "service: release-rownd-authz.rownd.svc.cluster.local",
                       "timeout: 2s", "600 s", "cors_preflight: true"]),
    ("daemonset", ["gets no answer", "tolerations"]),
    ("passports", ["http   release-rownd-authz.rownd.svc.cluster.local:8085", "networkPolicy.opsFrom"]),
    ("public-http", ["http   release-rownd-authz.rownd.svc.cluster.local:8085",
                     "public release-rownd-authz.rownd.svc.cluster.local:80 "]),
    ("check-before-upgrade", ["-n edge get securitypolicy"]),
    ("istio-tls", ["deploy/istio/cors.yaml"]),
    ("headless", ["release-rownd-authz-headless.rownd.svc.cluster.local:9000", "NEVER", "Istio"]),
    ("envoy-gateway", ["-n edge get securitypolicy release-rownd-authz",
                       "-n edge get clienttrafficpolicy release-rownd-authz", "in conflict"]),
    ("envoy-gateway-own-client-policy", ["WARNING: without our ClientTrafficPolicy", "--early-strip"]),
    ("sidecar-only", ["rownd-authz.sidecar.container"]),
    ("selectors", ["towards everywhere: 3128, 8443.", "networkPolicy.extraEgress"]),
]


def check_notes():
    # By Helm 4 only: Helm 3 wants a cluster even for this.
    for name, words in NOTES:
        done = helm("helm4", "install", "release", CHART, "--namespace", "rownd", "--dry-run=client",
                    "-f", HERE / "scenarios" / f"{name}.yaml")
        notes = done.stdout.split("NOTES:")[-1]
        for word in words:
            if word not in notes:
                problem(f"notes of {name}", f"lack `{word}`: {notes}{done.stderr}")
    done = helm("helm4", "install", "release", CHART, "--dry-run=client")
    if "trusts no issuer yet" not in done.stdout:
        problem("notes without values", "do not warn that nothing is trusted")


# The Deployment that is there already, the values, and the replicas that Helm writes (`None`: no number), or a refusal's words.
SERVED = {"app.kubernetes.io/name": "rownd-authz", "app.kubernetes.io/instance": "release",
          "app.kubernetes.io/component": "server"}
SCALED = {"autoscaling": {"enabled": True, "minReplicas": 3}}
LIVE = [
    ("a first installation", None, {}, 2),
    ("a first installation with an autoscaler", None, SCALED, None),
    ("an autoscaler for seven pods", (7, SERVED), SCALED, 7),
    ("an autoscaler for two pods", (2, SERVED), SCALED, 3),
    ("an upgrade", (7, SERVED), {}, 2),
    ("another name under the same full name", (2, {**SERVED, "app.kubernetes.io/name": "authz"}), {},
     ["nameOverride", "has the selector", "another fullnameOverride"]),
]


def check_live():
    """What Helm can only render if it asks the cluster."""
    for name, lives, values, wanted in LIVE:
        found = [live.deployment("release-rownd-authz", *lives)] if lives else []
        for program in HELMS:
            with live.Cluster(*found) as cluster:
                done = cluster.render(HELMS[program], CHART, {"rownd": {"appId": "app_a"}, **values})
            if not any(path.endswith("/deployments/release-rownd-authz") for path in cluster.asked):
                problem(f"{program}: {name}", f"did not ask for the Deployment: {done.stderr}")
            if isinstance(wanted, list):
                for word in wanted:
                    if word not in done.stderr:
                        problem(f"{program}: {name}", f"the message lacks `{word}`: {done.stderr}")
                continue
            if done.returncode:
                problem(f"{program}: {name}", done.stderr)
                continue
            [item] = [each for each in objects(done.stdout) if each["kind"] == "Deployment"]
            if item["spec"].get("replicas") != wanted:
                problem(f"{program}: {name}", f"writes {item['spec'].get('replicas')} replicas, not {wanted}")


def check_lint():
    for program in HELMS:
        for values in [[], ["-f", CHART / "values-ha.yaml"]]:
            done = helm(program, "lint", "--strict", "--quiet", CHART, *values)
            if done.returncode:
                problem(f"{program} lint", done.stdout + done.stderr)


def check_parent(schemas, binary):
    """A chart that takes the container as a sidecar: the example of the README, rendered."""
    with tempfile.TemporaryDirectory() as folder:
        parent = pathlib.Path(folder) / "parent"
        shutil.copytree(HERE / "parent", parent)
        shutil.copytree(CHART, parent / "charts" / "rownd-authz")
        items = objects(render("helm4", [], chart=parent))
        older = objects(render("helm3", [], chart=parent))
    if items != older:
        problem("parent", "Helm 3 and Helm 4 differ")
    for version in KUBERNETES:
        check_schemas(f"parent on Kubernetes {version}", items, schemas[version], {})
    check_configuration("parent", items, binary)
    kinds = sorted(item["kind"] for item in items)
    if kinds != ["ConfigMap", "Deployment"]:
        problem("parent", f"rendered {kinds}")
    for pod, _, spec in pods(items):
        check_pod("parent", pod, spec)
        [container] = spec["initContainers"]
        if container.get("restartPolicy") != "Always":
            problem("parent", "the container is no native sidecar")
        if "--page=readyz" not in str(container.get("readinessProbe")):
            problem("parent", f"its readiness is that of {container.get('readinessProbe')}")
        if container["ports"] != [{"name": "ops", "containerPort": 9464, "protocol": "TCP"}]:
            problem("parent", f"ports: {container['ports']}")


def check_manifests(schemas, customs, binary):
    """The plain manifests beside the chart, by the same schemas."""
    files = [file for folder in ("kubernetes", "istio", "envoy-gateway")
             for file in sorted((ROOT / "deploy" / folder).glob("*.yaml"))]
    checked = 0
    for file in files:
        items = objects(file.read_text())
        if "kind" not in items[0]:
            continue
        checked += 1
        check_configuration(file.name, items, binary)
        for version in KUBERNETES:
            check_schemas(f"{file.name} on Kubernetes {version}", items, schemas[version], customs)
    if checked < 6:
        problem("manifests", f"only {checked} of {len(files)} were found")


def check_compose(binary):
    schema = json.loads((TOOLS / "crds" / "github.com-compose-spec-compose-go-v2.json").read_text())
    for file in sorted((ROOT / "deploy" / "compose").glob("compose*.yaml")):
        composed = yaml.load(file.read_text(), Strict)
        for error in jsonschema.Draft7Validator(schema).iter_errors(composed):
            problem(file.name, f"{list(error.absolute_path)}: {error.message[:300]}")
        for name, service in composed["services"].items():
            mounts = [volume.split(":")[0] for volume in service.get("volumes", [])]
            for mount in mounts:
                known = mount in composed["volumes"] or (file.parent / mount).is_file()
                if not known:
                    problem(file.name, f"{name} mounts {mount}, which is not there")
        # Services of our images: settings and commands are tried with the program.
        for name, service in composed["services"].items():
            if "build" not in service:
                continue
            emulator = "rownd-emulator" in service["build"].get("dockerfile", "")
            program = pathlib.Path(binary).with_name("rownd-emulator") if emulator else binary
            probe = service.get("healthcheck", {}).get("test", [])[2:]
            for command in filter(None, (service.get("command"), probe)):
                done = subprocess.run([program, *command, "--help"], capture_output=True, text=True)
                if done.returncode:
                    problem(file.name, f"{name}: {command}: {done.stderr}")
            settings = service.get("environment", {})
            if emulator:
                known = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
                for setting in settings:
                    if setting not in known:
                        problem(file.name, f"{name}: {setting} is no setting of the emulator")
            elif settings:
                done = subprocess.run([program, "config", "check", "--skip-host"], env=settings,
                                      capture_output=True, text=True)
                if done.returncode:
                    problem(file.name, f"{name}: {done.stdout}{done.stderr}")


# Commands of the docs: commands for a cluster are rendered without one.
def check_docs():
    commands, values = 0, 0
    for page in (CHART / "README.md", CHART / "values-ha.yaml", ROOT / "docs" / "passports.md", ROOT / "docs" / "http-json.md"):
        text = re.sub(r"^# {2,}", "", page.read_text(), flags=re.M).replace("\\\n", " ")
        for line in re.findall(r"^ *helm upgrade --install (.+)$", text, re.M):
            words = [word for word in shlex.split(line) if word != "..."]
            commands += 1
            words = [str(HERE / "scenarios" / "minimal.yaml") if word == "my-values.yaml" else word for word in words]
            for program in HELMS:
                done = subprocess.run([HELMS[program], "template", *words], cwd=ROOT, text=True, capture_output=True)
                if done.returncode:
                    problem(f"{page.name}: {program} {line}", done.stderr.strip())
        for file in re.findall(r"kubectl .*?(?:-f |=)(deploy/\S+)", text):
            if not (ROOT / file).is_file():
                problem(page.name, f"no {file}")
        for block in re.findall(r"```yaml\n(# values\n.*?)```", text, re.S):
            values += 1
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(block)
                file.flush()
                for program in HELMS:
                    done = helm(program, "template", "release", CHART, "-f", file.name)
                    if done.returncode:
                        problem(f"{page.name}: {program}: {block}", done.stderr.strip())
    if commands < 2 or values < 1:
        problem("docs", f"only {commands} commands and {values} values were found")


IMAGE = "registry.example.com/rownd-authz:0.1.0"


def check_install(binary):
    """docs/install.md, executed as it stands: every step keeps the image, the Secret and the rules of
    the steps before, and every object that a command names is there."""
    page = ROOT / "docs" / "install.md"
    made = {("deployment", "rownd-authz")}
    for program in HELMS:
        rendered, kept = 0, {}
        for line, mine, done, told in pages.follow(page, ROOT, HELMS[program]):
            rendered += 1
            where = f"install.md: {program}: {line}"
            for each in told:
                problem(where, each)
            if done.returncode:
                problem(where, done.stderr.strip())
                continue
            items = objects(done.stdout)
            made |= {(item["kind"].lower(), item["metadata"]["name"]) for item in items}
            images = {container["image"] for _, _, spec in pods(items) for container in spec["containers"]}
            if images != {IMAGE}:
                problem(where, f"runs {images}, not {IMAGE}")
            [config] = [yaml.safe_load(item["data"]["rownd-authz.yaml"]) for item in items
                        if item["kind"] == "ConfigMap" and "rownd-authz.yaml" in item.get("data", {})]
            if {**kept, **config} != config:
                problem(where, f"loses rules of the step before: {kept} became {config}")
            kept = {key: value for key, value in config.items() if key in ("routes", "credentials", "rownd_auth")}
            for item in items:
                if mine.get("rownd") and item["kind"] == "Deployment" and "secretName: rownd" not in yaml.safe_dump(item):
                    problem(where, "loses the Secret")
            check_configuration(where, items, binary)
        if rendered < 5:
            problem("install.md", f"only {rendered} times `helm upgrade` was found")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in pages.commands(page):
        for kind, name in re.findall(r"\b(?:get|rollout status|restart) (\w+)[ /]([\w-]+)", line):
            if (kind, name) not in made:
                problem("install.md", f"{line}: the chart makes no {kind} {name}")
        for target in re.findall(r"^make (\S+)", line):
            if target not in targets:
                problem("install.md", f"{line}: no such target")
        for file in re.findall(r"(?:-f|-c|=) ?(?:\S+=)?(deploy/\S+)", line):
            if not (ROOT / file).exists():
                problem("install.md", f"{line}: no {file}")
        words = shlex.split(line)
        if line.startswith("docker ") and IMAGE not in words:
            problem("install.md", f"{line}: another image than {IMAGE}")
        if line.startswith("make image") and f"IMAGE={IMAGE}" not in words:
            problem("install.md", f"{line}: another image than {IMAGE}")


# The headers that a service trusts. A client's own go early, in every spelling.
IDENTITY = ("user-id", "auth-level", "verified", "anonymous", "app-id", "app-variant", "issuer", "session-id",
            "roles", "groups", "tenant", "scopes")
# The workloads that strip early, and how often: a chart for a workload by its labels patches two kinds of listener.
STRIPPED = {"deploy/envoy/demo.yaml": 1, "deploy/envoy/gateway.yaml": 1, "deploy/envoy/sidecar-uds.yaml": 1,
            "deploy/envoy-gateway/gateway.yaml": 1, "deploy/istio/gateway.yaml": 1,
            "deploy/istio/sidecar-uds.yaml": 1, "deploy/istio/waypoint.yaml": 1,
            "tests/chart/snapshots/envoy-gateway.yaml": 1, "tests/chart/snapshots/envoy-gateway-tls.yaml": 1,
            "tests/chart/snapshots/istio-gateway.yaml": 2, "tests/chart/snapshots/istio-waypoint.yaml": 1,
            "tests/chart/snapshots/istio-sidecar.yaml": 0,
            "tests/chart/snapshots/envoy-gateway-own-client-policy.yaml": 0}


def check_early_strip(binary):
    """Everything that we ship strips the same names early, and the program prints them."""
    other = "[^a-z0-9]"
    wanted = [f"^x{other}rownd{other}{name.replace('-', other)}$" for name in IDENTITY]
    for pattern, name in zip(wanted, IDENTITY):
        for byte in "!#$%&'*+-.^_`|~":
            spelled = f"x-rownd-{name}".replace("-", byte)
            if not re.fullmatch(pattern, spelled):
                problem("early strip", f"{pattern} does not match {spelled}")
    for vendor in ("x-rownd-app-key", "x-rownd-app-secret", "x-rownd-filename", "x-rownd-magic-allow-exp"):
        if any(re.fullmatch(pattern, vendor) for pattern in wanted):
            problem("early strip", f"removes {vendor}, which is the vendor's")
    for name, times in STRIPPED.items():
        found = re.findall(r"\^x\[\^a-z0-9\]rownd\S*?\$", (ROOT / name).read_text())
        if found != wanted * times:
            problem(name, f"strips {found} early, not {times} times {wanted}")
    printed = subprocess.run([binary, "config", "print", "--early-strip"], capture_output=True, text=True)
    found = re.findall(r"\^x\[\^a-z0-9\]rownd\S*?\$", printed.stdout)
    if printed.returncode or sorted(found) != sorted(wanted):
        problem("config print --early-strip", f"prints {found} {printed.stderr}, not {wanted}")


def check_own_early_strip(binary):
    """The chart strips exactly what the program prints for the same configuration."""
    values = HERE / "scenarios" / "early-strip.yaml"
    items = objects(render("helm4", [values]))
    [config] = [item["data"]["rownd-authz.yaml"] for item in items if item["kind"] == "ConfigMap"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(config)
        file.flush()
        done = subprocess.run([binary, "config", "print", "--early-strip", "--config", file.name],
                              capture_output=True, text=True)
    printed = done.stdout.split()
    if len(printed) != len(IDENTITY) + 3:
        problem("early strip", f"prints {printed} {done.stderr}")
    [client] = [item["spec"]["headers"]["earlyRequestHeaders"]["removeOnMatch"] for item in items
                if item["kind"] == "ClientTrafficPolicy"]
    [filtered] = [item for item in items if item["kind"] == "EnvoyFilter"]
    stripped = {"Envoy Gateway": [each["value"] for each in client],
                "Istio": re.findall(r"regex: (\S+)", yaml.safe_dump(filtered, width=1000))}
    for where, found in stripped.items():
        if sorted(found) != sorted(printed):
            problem(f"early strip of {where}", f"{found}, not {printed}")


def check_timeouts():
    """An Envoy that is later than its own timer fails open or denies for nothing: no shipped or
    printed configuration has a shorter one."""
    places = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("deploy/**/*.yaml")]
    for file in places:
        text = file.read_text()
        for match in re.finditer(r"^\s*timeout: (\d+(?:\.\d+)?(?:ms|s))\b", text, re.M):
            before = text[:match.start()].splitlines()[-12:]
            seconds = float(match[1].removesuffix("ms").removesuffix("s")) / (1000 if "ms" in match[1] else 1)
            about = any(word in line for line in before
                        for word in ("grpc_service:", "extAuth:", "envoyExtAuthzGrpc:", "providerName:", "targetRefs:"))
            if about and seconds < 2:
                problem(file.relative_to(ROOT), f"has a timeout of {match[1]} for a check, not of 2s or more")


def check_versions():
    """The version stands in Cargo.toml; everything else follows."""
    cargo = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    image = re.search(r"^ARG VERSION=(.+)$", (ROOT / "Dockerfile").read_text(), re.M)
    images = [container["image"] for file in (ROOT / "deploy" / "kubernetes").glob("*.yaml")
              for _, _, spec in pods(objects(file.read_text()))
              for container in spec["containers"] + spec.get("initContainers", [])
              if container["image"].startswith("rownd-authz")]
    if not images:
        problem("deploy/kubernetes", "has no image of ours")
    for image_name in images:
        if image_name != f"rownd-authz:{cargo}":
            problem("deploy/kubernetes", f"has {image_name}, Cargo.toml says {cargo}")
    for where, found in (("Chart.yaml version", chart["version"]), ("appVersion", chart["appVersion"]),
                         ("Dockerfile VERSION", image and image[1])):
        if found != cargo:
            problem(where, f"is {found}, Cargo.toml says {cargo}")


def check_metric_names():
    """Rules and dashboards ask for metrics that exist."""
    known = set(re.findall(r"^\| `(rownd_authz_[a-z_]+)`", (ROOT / "docs" / "metrics.md").read_text(), re.M))
    asked = (CHART / "templates" / "prometheusrule.yaml").read_text()
    asked += "".join(file.read_text() for file in (CHART / "dashboards").glob("*.json"))
    names = {re.sub(r"_(bucket|sum|count)$", "", name)
             for name in re.findall(r"\brownd_authz_[a-z_]+", asked)}
    if len(names) < 8:
        problem("metrics", f"only {sorted(names)} are asked for")
    for name in names - known:
        problem("metrics", f"{name} does not exist")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()

    customs = definitions()
    with zipfile.ZipFile(TOOLS / "schemas.whl") as archive:
        schemas = {version: Kubernetes(archive, version) for version in KUBERNETES}
        scenarios = {file.stem: [file] for file in sorted((HERE / "scenarios").glob("*.yaml"))}
        scenarios["defaults"] = []
        scenarios["ha"] = [HERE / "scenarios" / "minimal.yaml", CHART / "values-ha.yaml"]
        for name, values in scenarios.items():
            check_scenario(name, values, schemas, customs, arguments.binary, arguments.update)
        check_parent(schemas, arguments.binary)
        check_manifests(schemas, customs, arguments.binary)
    for file in (HERE / "snapshots").glob("*.yaml"):
        if file.stem not in scenarios:
            problem(file.name, "is the snapshot of no scenario")
    check_lint()
    check_live()
    check_refusals()
    check_set()
    check_nulls()
    check_notes()
    check_compose(arguments.binary)
    check_docs()
    check_install(arguments.binary)
    check_early_strip(arguments.binary)
    check_own_early_strip(arguments.binary)
    check_timeouts()
    check_versions()
    check_metric_names()
    for each in problems:
        print(each, file=sys.stderr)
    if problems:
        sys.exit(f"{len(problems)} problems")
    print(f"chart: {len(scenarios)} scenarios on Kubernetes {', '.join(KUBERNETES)}, "
          f"{len(REFUSED)} refusals, by Helm 3 and 4: all good")


main()

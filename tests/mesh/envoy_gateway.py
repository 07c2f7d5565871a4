"""Runs Envoy Gateway with the files of deploy/envoy-gateway/ and looks at what it does.

`make mesh-test` calls this in a network of its own (Envoy Gateway binds every address).
In: the built programs. Out: one line for each case, and 1 if one was wrong.

Envoy Gateway's standalone mode is its real control plane and a real Envoy, with files in
place of the Kubernetes API. It keeps no Services, so that references to one are turned into
references to a Backend; `surroundings` has those, and which Envoy to run. It also forgets the
annotations of what it reads from files: .ci/tools/envoy-gateway builds it so that an
HTTPRoute keeps them, as it does when read from Kubernetes.
"""

import argparse
import http.client
import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHIPPED = ROOT / "deploy" / "envoy-gateway"
GATEWAY = 8888
# Of the network that `make mesh-test` makes. Envoy Gateway takes no loopback address.
ADDRESS = "10.9.0.1"
RULES = """
credentials: [{ header: authorization }]
routes:
  - { id: public, match: { path: { prefix: /public } }, auth: none }
  - { id: optional, match: { path: { prefix: /optional } }, auth: optional }
  - { id: admin, match: { hosts: [admin.example.com] }, auth_level: verified }
"""


def backend(name, namespace, port):
    """Where a Service of the cluster would lead."""
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "Backend",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"appProtocols": ["gateway.envoyproxy.io/h2c"] if port == 50051 else [],
                     "endpoints": [{"ip": {"address": ADDRESS, "port": port}}]}}


def surroundings():
    """What the cluster would have besides our files."""
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                  for name in ("edge", "rownd", "envoy-gateway-system")]
    proxy = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyProxy",
             "metadata": {"name": "host", "namespace": "envoy-gateway-system"},
             "spec": {"provider": {"type": "Host", "host": {"envoyVersion": "1.40.0"}},
                      "logging": {"level": {"default": "warn"}}}}
    return [*namespaces, proxy, backend("rownd-authz", "edge", 50051), backend("shop", "edge", 8080)]


def redirected(value):
    """The same with references to a Backend where they are to a Service: standalone, Envoy
    Gateway keeps no Services. Nor does it know the kind of a policy there, so that no
    ReferenceGrant ever fits one; the Backend is in the namespace of the policies."""
    if isinstance(value, list):
        return [redirected(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {key: redirected(each) for key, each in value.items()}
    if value.get("name") in ("rownd-authz", "shop") and "port" in value:
        del value["port"]
        value.pop("namespace", None)
        value.update(group="gateway.envoyproxy.io", kind="Backend")
    return value


def annotated(name, rule):
    """A route of the Gateway that names its rule by annotation."""
    annotations = {"gateway.envoyproxy.io/rownd-authz-route": rule}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": name, "namespace": "edge", "annotations": annotations},
            "spec": {"parentRefs": [{"name": "public"}], "hostnames": [f"{name}.example.com"],
                     "rules": [{"backendRefs": [{"name": "shop", "port": 8080}]}]}}


def more():
    """Annotations that our files have no example of. The policy of `apart` names a rule, too, and
    looks at the annotation: the two differ."""
    routes = [annotated("lobby", "public"), annotated("typo", "amdin"), annotated("apart", "public")]
    policy = next(item for item in yaml.safe_load_all((SHIPPED / "routes.yaml").read_text())
                  if item["kind"] == "SecurityPolicy")
    policy["metadata"]["name"] = policy["spec"]["targetRefs"][0]["name"] = "apart"
    policy["spec"]["extAuth"]["includeRouteMetadata"] = True
    # An annotation that the policy of a route does not send changes nothing.
    hidden = annotated("hidden", "public")
    unseen = json.loads(json.dumps(policy))
    unseen["metadata"]["name"] = unseen["spec"]["targetRefs"][0]["name"] = "hidden"
    del unseen["spec"]["extAuth"]["includeRouteMetadata"]
    return [redirected(item) for item in (*routes, policy, hidden, unseen, *unchecked())]


def unchecked():
    """A route whose policy has nothing but `cors`. It replaces that of the Gateway as a whole, so
    that nobody is asked: what we cannot forbid, and what the early strip is for."""
    route = annotated("unchecked", "admin")
    policy = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "SecurityPolicy",
              "metadata": {"name": "unchecked", "namespace": "edge"},
              "spec": {"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute",
                                       "name": "unchecked"}],
                       "cors": {"allowOrigins": ["https://app.example.com"], "allowMethods": ["GET"]}}}
    return [route, policy]


def shipped():
    """Our files, but for that, and for the GatewayClass, which names the Envoy to run."""
    for file in sorted(SHIPPED.glob("*.yaml")):
        for item in yaml.safe_load_all(file.read_text()):
            if item["kind"] == "GatewayClass":
                item["spec"]["parametersRef"] = {
                    "group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "host",
                    "namespace": "envoy-gateway-system"}
            yield redirected(item)


class Echo(http.server.BaseHTTPRequestHandler):
    """The service behind: answers with the headers that reached it."""

    def do_GET(self):
        body = json.dumps(list(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def ask(host, path, headers=()):
    """Status and body of one request through the gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", GATEWAY, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("host", host)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def until(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
            if found:
                return found
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.2)
    sys.exit(f"waited {seconds} s for {what}")


class Programs:
    """What runs beside the test, and where it writes; all of it ends with the test."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self, name, *command, **options):
        log = open(self.folder / f"{name}.log", "wb")
        self.running.append((name, subprocess.Popen(
            list(map(str, command)), stdout=log, stderr=log, start_new_session=True, **options)))

    def end(self):
        for _, program in self.running:
            try:
                os.killpg(program.pid, signal.SIGTERM)
                program.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                program.kill()

    def tell(self):
        for name, _ in self.running:
            lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
            # Without Envoy's access log.
            lines = [line for line in lines if '"response_code"' not in line]
            print(f"--- {name}", *lines[-400:], sep="\n", file=sys.stderr)


def prepare(folder, gateway, envoy):
    """Envoy Gateway's own folders: certificates, the Envoy, our resources, its settings."""
    home = {name: str(folder / name) for name in ("config", "data", "state", "run")}
    binary = folder / "data" / "envoy-versions" / "1.40.0" / "bin" / "envoy"
    binary.parent.mkdir(parents=True)
    shutil.copy(envoy, binary)
    subprocess.run([gateway, "certgen", "--local", "--config-home", home["config"]], check=True,
                   capture_output=True)
    resources = folder / "resources"
    resources.mkdir()
    (resources / "all.yaml").write_text(yaml.safe_dump_all([*surroundings(), *shipped(), *more()]))
    settings = folder / "envoy-gateway.yaml"
    settings.write_text(yaml.safe_dump({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "EnvoyGateway",
        "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        "extensionApis": {"enableBackend": True},
        "provider": {"type": "Custom", "custom": {
            "resource": {"type": "File", "file": {"paths": [str(resources)]}},
            "infrastructure": {"type": "Host", "host": {
                "configHome": home["config"], "dataHome": home["data"],
                "stateHome": home["state"], "runtimeDir": home["run"]}}}},
    }))
    return settings


def authorizer(folder, programs, product):
    """The emulator and an echo, and rownd-authz with the rules that routes.yaml is about."""
    echo = http.server.ThreadingHTTPServer((ADDRESS, 8080), Echo)
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    programs.start("dev", product, "dev", "--grpc-port", "50061", "--ops-port", "9474")
    until("the emulator", lambda: mint(product, "verified"))
    base = yaml.safe_load((ROOT / "deploy" / "demo" / "rownd-authz.yaml").read_text())
    rules = {**yaml.safe_load(RULES), "issuers": base["issuers"],
             "listeners": {"grpc": {"address": f"{ADDRESS}:50051"}}}
    file = folder / "rownd-authz.yaml"
    file.write_text(yaml.safe_dump(rules))
    programs.start("rownd-authz", product, "serve", "--config", file)


def mint(product, user):
    done = subprocess.run([product, "token", "mint", "--user", user], capture_output=True, text=True)
    return done.stdout.strip()


def cases(product):
    verified = ("authorization", f"Bearer {mint(product, 'verified')}")
    guest = ("authorization", f"Bearer {mint(product, 'guest')}")
    forged = [("x-rownd-user-id", "evil"), ("X-Rownd-Roles", "evil"), ("x_rownd_user_id", "evil"),
              ("x.rownd.user.id", "evil")]
    # Every separator that a header's name may have, and every name.
    forged += [("x-rownd-user-id".replace("-", byte), "evil") for byte in "!#$%&'*+^`|~"]
    forged += [(f"x~rownd~{name}", "evil") for name in (
        "auth-level", "verified", "anonymous", "app-id", "app-variant", "issuer", "session-id", "roles",
        "groups", "tenant", "scopes")]
    vendor = [("x-rownd-app-key", "vendor-1"), ("x-rownd-filename", "vendor-2")]
    shop, office, accounts = "shop.example.com", "back-office.example.com", "accounts.example.com"
    lobby, typo, apart, hidden = (f"{name}.example.com" for name in ("lobby", "typo", "apart", "hidden"))
    spoofed = [("rownd-authz-route", "public"), ("x-envoy-gateway", "rownd-authz-route=public"), ("route", "public")]
    return [
        ("nobody is refused", shop, "/", [], 401, ["unauthenticated"], []),
        ("a verified user passes, with headers", shop, "/", [verified], 200, ["x-rownd-user-id", "verified"], []),
        ("a forged identity is replaced", shop, "/", [verified, *forged], 200, ["x-rownd-user-id"], ["evil"]),
        ("and removed where nobody signed in", shop, "/optional", forged, 200, [], ["evil", "x-rownd-user-id"]),
        ("and where all is open", shop, "/public", forged, 200, [], ["evil", "x-rownd-user-id"]),
        ("a broken token is refused", shop, "/optional", [("authorization", "Bearer x.y.z")], 401, ["token_"], []),
        ("an escaped slash is refused", shop, "/public%2f..%2f", [], 400, [], []),
        ("a way out of the open part is seen", shop, "/public/../", [], 401, [], []),
        ("a guest passes where the rules let him", shop, "/", [guest], 200, ["guest"], []),
        ("a guest is refused where the route names its rule", office, "/", [guest], 403, ["auth_level"], []),
        ("a verified user is not", office, "/", [verified], 200, ["verified"], []),
        ("an annotation names the rule: nobody", accounts, "/", [], 401, ["unauthenticated"], []),
        ("... on a path that is open elsewhere", accounts, "/public", [], 401, ["unauthenticated"], []),
        ("... a guest", accounts, "/", [guest], 403, ["auth_level"], []),
        ("... a verified user, with headers", accounts, "/", [verified, *forged], 200, ["x-rownd-user-id"], ["evil"]),
        ("... and no header of a client does", accounts, "/", spoofed, 401, ["unauthenticated"], []),
        ("an annotation opens a route, still checked", lobby, "/", forged, 200, [], ["evil", "x-rownd-user-id"]),
        ("a rule that is not configured is a denial", typo, "/", [verified], 503, ["route_unknown"], []),
        ("so are two names that differ", apart, "/", [verified], 503, ["route_unknown"], []),
        ("a policy with nothing but cors has no check", "unchecked.example.com", "/", [], 200, [], []),
        ("... and forged identity is gone all the same", "unchecked.example.com", "/", [*forged, *vendor], 200,
         ["vendor-1", "vendor-2"], ["evil", "user"]),
        ("the vendor's own headers pass a check", shop, "/public", [*forged, *vendor], 200,
         ["vendor-1", "vendor-2"], ["evil"]),
        ("what is not shown changes nothing", hidden, "/", [guest], 403, ["auth_level"], []),
    ]


def main():
    parser = argparse.ArgumentParser()
    for name in ("gateway", "envoy", "product"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    programs_at = parser.parse_args()
    product = programs_at.product.resolve()
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="mesh-") as name:
        folder = pathlib.Path(name)
        programs = Programs(folder)
        try:
            authorizer(folder, programs, product)
            settings = prepare(folder, programs_at.gateway.resolve(), programs_at.envoy.resolve())
            programs.start("envoy-gateway", programs_at.gateway.resolve(), "server", "--config-path", settings,
                           env={**os.environ, "HOME": str(folder)})
            until("the gateway to ask rownd-authz", lambda: ask("shop.example.com", "/")[0] == 401)
            for name, answer in (("back-office", 401), ("accounts", 401), ("lobby", 200), ("typo", 503),
                                 ("apart", 503), ("hidden", 401), ("unchecked", 200)):
                until(f"the route {name}", lambda: ask(f"{name}.example.com", "/")[0] == answer)
            for what, host, path, headers, status, with_, without in cases(product):
                got, body = ask(host, path, headers)
                lower = body.lower()
                problem = [f"status {got}, not {status}"] if got != status else []
                problem += [f"lacks {word}" for word in with_ if word not in lower]
                problem += [f"holds {word}" for word in without if word in lower]
                print(f"{'not ok' if problem else 'ok'}  {what} {'; '.join(problem)}")
                if problem:
                    wrong += 1
                    print(body, file=sys.stderr)
        except SystemExit:
            programs.tell()
            raise
        finally:
            programs.end()
        if wrong:
            programs.tell()
            sys.exit(f"{wrong} cases were wrong")
    print("Envoy Gateway: all good")


main()

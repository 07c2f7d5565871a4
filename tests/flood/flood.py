"""Floods a real Envoy with requests that nobody may pass, and counts who passed.

`make flood` calls this. In: the release build, a build with the emulator, Envoy, h2load. Out: a
table (Markdown) and 0; or 1 if, with the timeout of the shipped files, anybody was let
through. It starts the emulator, the server and one Envoy on free ports of loopback, and ends
them by their ids. All of it takes a few minutes: 32 floods of `--seconds` each.

Every request lacks a credential where one is required, so each must be denied. Under
`failure_mode_allow: true` Envoy lets a request through whose check failed, and an Envoy that is
later than its own timer takes a denial that came in time for a failed check.

The load, Envoy and the server share this machine's cores. Elsewhere the numbers differ; the
mechanism does not.
"""

import argparse
import copy
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# One connection of the load carries this many requests at a time; the shipped listener allows it.
STREAMS = 100
# The timeout of the shipped files, and that of earlier files.
SHIPPED, SHORT = "2s", "0.25s"
PATHS = {"plain": "/orders", "heavy": "/" + "segment/" * 500 + "orders"}
# Headers of a browser that no rule reads; without `allowed_headers` all of them go to the check.
BROWSER = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.9,de;q=0.8,fr;q=0.7", "accept-encoding": "gzip, deflate, br, zstd",
    "cache-control": "no-cache", "pragma": "no-cache", "dnt": "1", "priority": "u=0, i",
    "referer": "https://app.example.com/" + "somewhere/" * 20, "sec-ch-ua-mobile": "?0",
    "sec-ch-ua": '"Chromium";v="140", "Not=A?Brand";v="24"', "sec-ch-ua-platform": '"Linux"',
    "sec-fetch-dest": "document", "sec-fetch-user": "?1", "upgrade-insecure-requests": "1",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "x-forwarded-host": "app.example.com", "x-forwarded-port": "443", "x-correlation-id": "c" * 36,
    "x-analytics": "a" * 900, "if-none-match": '"' + "e" * 64 + '"',
}


def flood(in_flight, path="plain", timeout=SHIPPED, open_=True, allowed=True, browser=False):
    return {"in_flight": in_flight, "path": path, "timeout": timeout, "open": open_, "allowed": allowed,
            "browser": browser}


SIZES = "800,2400,4000,8000"


def floods_of(sizes):
    floods = [flood(size, path, timeout, open_)
              for open_, timeout in ((True, SHORT), (True, SHIPPED), (False, SHIPPED))
              for path in PATHS for size in sizes]
    # The same browser's requests with and without the list of what is shown to the server.
    return floods + [flood(size, "plain", SHORT, True, allowed, True) for allowed in (True, False) for size in sizes]


# The floods of `--quick`: enough to test the driver, and the worst flood of the shipped files.
QUICK = [flood(4000, "heavy", SHORT), flood(4000, "heavy"), flood(4000, "heavy", open_=False)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"waited {seconds} s for {what}")


def fetch(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


class Programs:
    """What runs beside the load; all of it ends with this program."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self, name, command, **options):
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, start_new_session=True, **options)
        self.running.append(process)
        return process

    def end(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def name_of(each):
    return "-".join(("open" if each["open"] else "closed", each["timeout"].replace(".", ""),
                     "allowed" if each["allowed"] else "all"))


def listener(shipped, each, port):
    """The shipped listener, with an answer of Envoy's own in place of the service."""
    made = copy.deepcopy(shipped)
    made["name"] = name_of(each)
    made["address"]["socket_address"]["port_value"] = port
    manager = made["filter_chains"][0]["filters"][0]["typed_config"]
    manager["stat_prefix"] = name_of(each)
    del manager["access_log"]
    manager["route_config"]["virtual_hosts"][0]["routes"] = [
        {"match": {"prefix": "/"}, "direct_response": {"status": 200}}]
    check = next(entry for entry in manager["http_filters"] if entry["name"] == "envoy.filters.http.ext_authz")
    check = check["typed_config"]
    check["failure_mode_allow"] = each["open"]
    check["grpc_service"]["timeout"] = each["timeout"]
    if not each["allowed"]:
        del check["allowed_headers"]
    return made


def bootstrap(floods, admin, server):
    """deploy/envoy/demo.yaml with a listener for each kind of flood, and their ports."""
    made = yaml.safe_load((ROOT / "deploy" / "envoy" / "demo.yaml").read_text())
    shipped = made["static_resources"]["listeners"][0]
    ports = {}
    for each in floods:
        ports.setdefault(name_of(each), (each, free_port()))
    made["admin"]["address"]["socket_address"]["port_value"] = admin
    made["static_resources"]["listeners"] = [listener(shipped, each, port) for each, port in ports.values()]
    clusters = made["static_resources"]["clusters"][:1]
    endpoint = clusters[0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"]["port_value"] = server
    made["static_resources"]["clusters"] = clusters
    return made, {name: port for name, (_, port) in ports.items()}


class Envoy:
    def __init__(self, admin, process):
        self.admin, self.process = admin, process

    def counters(self):
        text = fetch(self.admin, "/stats?filter=ext_authz|upstream_cx_tx_bytes_total|downstream_rq_active|upstream_rq_total")
        return {name: int(value) for name, _, value in (line.rpartition(": ") for line in text.splitlines())
                if value.isdigit()}

    def quiet(self):
        return all(value == 0 for name, value in self.counters().items()
                   if name.endswith("downstream_rq_active") and "admin" not in name)


def cpu(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(each, envoy, server, port, seconds):
    """One flood, and what became of it."""
    until("Envoy to be quiet", envoy.quiet)
    before, envoy_cpu, server_cpu = envoy.counters(), cpu(envoy.process), cpu(server)
    headers = [f"-H{name}: {value}" for name, value in BROWSER.items()] if each["browser"] else []
    command = ["h2load", f"-D{seconds}", f"-c{max(1, each['in_flight'] // STREAMS)}", f"-m{STREAMS}", "-t1",
               *headers, f"http://127.0.0.1:{port}{PATHS[each['path']]}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", done.stdout)
    if not codes:
        sys.exit(f"{' '.join(command[:4])} said: {done.stdout}{done.stderr}")
    through, _, denied, failed = map(int, codes.groups())
    spent = cpu(envoy.process) - envoy_cpu, cpu(server) - server_cpu
    until("Envoy to be quiet", envoy.quiet)
    after = envoy.counters()
    gained = lambda name: after.get(name, 0) - before.get(name, 0)
    checks = gained("cluster.rownd_authz.upstream_rq_total")
    prefix = f"http.{name_of(each)}.ext_authz"
    return {**each, "answered": through + denied + failed, "through": through, "denied": denied, "failed": failed,
            "allowed_by_failure": gained(f"{prefix}.failure_mode_allowed"), "error": gained(f"{prefix}.error"),
            "bytes": gained("cluster.rownd_authz.upstream_cx_tx_bytes_total") // max(1, checks), "cpu": spent}


HEAD = """| Envoy fails | timeout | request | in flight | answered | let through | 4xx | 5xx | `error` | `failure_mode_allowed` | bytes a check | CPU s, Envoy / server |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def row(found):
    request = "browser" if found["browser"] else found["path"]
    if found["browser"]:
        request += ", `allowed_headers`" if found["allowed"] else ", all headers"
    through = f"**{found['through']}**" if found["through"] else "0"
    return (f"| {'open' if found['open'] else 'closed'} | {found['timeout']} | {request} | {found['in_flight']} | "
            f"{found['answered']} | {through} | {found['denied']} | {found['failed']} | {found['error']} | "
            f"{found['allowed_by_failure']} | {found['bytes']} | {found['cpu'][0]:.1f} / {found['cpu'][1]:.1f} |")


def main():
    parser = argparse.ArgumentParser()
    for name in ("server", "dev", "envoy"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=5, help="of each flood (1 to 30)")
    parser.add_argument("--quick", action="store_true", help="three floods only")
    parser.add_argument("--in-flight", default=SIZES, help=f"requests at a time (default: {SIZES})")
    given = parser.parse_args()
    if not re.fullmatch(r"[1-9]\d{2,3}(,[1-9]\d{2,3}){0,7}", given.in_flight):
        parser.error(f"--in-flight: write up to eight numbers from 100 to 9999, such as {SIZES}")
    if not 1 <= given.seconds <= 30:
        parser.error("--seconds: write a number from 1 to 30")
    if not shutil.which("h2load"):
        sys.exit("h2load is missing (Debian: nghttp2-client)")
    floods = QUICK if given.quick else floods_of([int(size) for size in given.in_flight.split(",")])
    # This ends even if a program does not answer.
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("the floods took too long"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    signal.alarm(60 + len(floods) * (given.seconds + 20))
    emulator, echo, admin, grpc, ops = (free_port() for _ in range(5))
    wrong = []
    with tempfile.TemporaryDirectory(prefix="flood-") as name:
        folder = pathlib.Path(name)
        programs = Programs(folder)
        try:
            programs.start("dev", [given.dev.resolve(), "dev", "--emulator-port", emulator, "--echo-port", echo,
                                   "--grpc-port", free_port(), "--ops-port", free_port()])
            until("the emulator", lambda: socket.create_connection(("127.0.0.1", emulator)).close() is None)
            server = programs.start("server", [given.server.resolve(), "serve"], env={
                "ROWND_APP_KEY": "key_demo0000000000000000000001", "ROWND_BASE_URL": f"http://127.0.0.1:{emulator}",
                "ROWND_AUTHZ__LISTENERS__GRPC__ADDRESS": f"127.0.0.1:{grpc}",
                "ROWND_AUTHZ__LISTENERS__OPS__ADDRESS": f"127.0.0.1:{ops}"})
            until("the server to be ready", lambda: fetch(ops, "/readyz") is not None)
            made, ports = bootstrap(floods, admin, grpc)
            file = folder / "envoy.yaml"
            file.write_text(yaml.safe_dump(made))
            envoy = Envoy(admin, programs.start("envoy", [
                given.envoy.resolve(), "-c", file, "--concurrency", "2", "-l", "error",
                "--use-dynamic-base-id"]))
            until("Envoy", lambda: "LIVE" in fetch(admin, "/ready"))
            print(f"{os.cpu_count()} cores, {given.seconds} s each, Envoy with 2 workers\n\n{HEAD}", flush=True)
            for each in floods:
                found = run(each, envoy, server, ports[name_of(each)], given.seconds)
                print(row(found), flush=True)
                if found["through"] and (each["timeout"] == SHIPPED or not each["open"]):
                    wrong.append(found)
        finally:
            programs.end()
    if wrong:
        sys.exit(f"{sum(found['through'] for found in wrong)} requests without a credential were let through, "
                 "with the timeout of the shipped files or with Envoy failing closed")
    print("\nnobody was let through with the timeout of the shipped files, nor where Envoy fails closed")


main()

"""Asks every query of the shipped dashboards of a real Prometheus that scrapes the running program and
a real Envoy: `make monitoring` runs this.

In: the program with feature `dev`, Envoy, Prometheus. Out: nothing and 0, or every query that is wrong or
finds nothing and 1. With `--pictures DIRECTORY` also a picture of each dashboard, with the data of a minute
(`make dashboard-pictures`). Everything listens on ports of its own, on this machine only.
"""

import argparse
import http.client
import json
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DASHBOARDS = ROOT / "deploy" / "helm" / "rownd-authz" / "dashboards"
RUNBOOK = ROOT / "docs" / "runbook.md"
# The time that anything here may take.
PATIENCE = 60
# The seconds that a picture shows.
PICTURED = 60
# The values that Grafana fills in. `[10s]` holds several scrapes of a second.
FILLED = {"$__rate_interval": "10s", "$namespace": ".*", "$listener": ".*", "$cluster": "rownd_authz"}
# Labels that a scrape in Kubernetes adds.
TARGET = {"namespace": "rownd", "pod": "rownd-authz-7d9f8b6c5d-x2k4v"}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def get(port, path, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def until(what, found):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            result = found()
        except OSError:
            result = None
        if result:
            return result
        time.sleep(0.1)
    sys.exit(f"no {what} within {PATIENCE} s")


def queries():
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.name}: {panel['title']}: {target['legendFormat']}", target["expr"]
    for block in re.findall(r"^```promql\n(.+?)^```", RUNBOOK.read_text(), re.M | re.S):
        for line in block.splitlines():
            # Without the comparison, which is false in good times.
            yield f"{RUNBOOK.name}", line.removesuffix(" > 0")


class Stage:
    """The program with the emulator, Envoy in front, and Prometheus."""

    def __init__(self, arguments, folder):
        self.envoy, self.ops, self.admin, self.prometheus, *others = free_ports(7)
        emulator, echo, grpc = others
        self.log = (folder / "dev.log").open("w+")
        self.children = [subprocess.Popen(
            [arguments.binary, "dev", "--envoy", arguments.envoy, "--envoy-port", str(self.envoy),
             "--envoy-admin-port", str(self.admin), "--emulator-port", str(emulator), "--echo-port", str(echo),
             "--grpc-port", str(grpc), "--ops-port", str(self.ops)], stdout=self.log, stderr=subprocess.STDOUT)]
        jobs = [("rownd-authz", self.ops, "/metrics"), ("envoy", self.admin, "/stats/prometheus")]
        config = folder / "prometheus.yaml"
        config.write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {"job_name": job, "metrics_path": path,
                 "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": TARGET}]}
                for job, port, path in jobs]}))
        self.children.append(subprocess.Popen(
            [arguments.prometheus, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.prometheus}", "--log.level=error"]))

    def stop(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()

    def examples(self):
        """The requests that `dev` prints: path and headers."""
        text = pathlib.Path(self.log.name).read_text()
        for line in re.findall(r"^ *curl .*$", text, re.M):
            words = shlex.split(line.split("  #")[0])
            url = next(word for word in words if word.startswith("http"))
            headers = {}
            for flag, value in zip(words, words[1:]):
                if flag == "-H":
                    name, _, text = value.partition(": ")
                    headers[name] = text
            yield urllib.parse.urlsplit(url).path or "/", headers

    def ask(self, query):
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": query})
        status, body = get(self.prometheus, path)
        answer = json.loads(body)
        if answer["status"] != "success":
            return None, answer.get("error", status)
        return answer["data"]["result"], None


    def range(self, query, start, end):
        """The series that a panel draws: legend's labels, and points of time and value."""
        words = {"query": query, "start": start, "end": end, "step": 1}
        _, body = get(self.prometheus, "/api/v1/query_range?" + urllib.parse.urlencode(words))
        return [(series["metric"], [(float(at), float(value)) for at, value in series["values"]])
                for series in json.loads(body)["data"]["result"]]


def filled(query):
    for word, value in FILLED.items():
        query = query.replace(word, value)
    return query


def draw(stage, directory):
    """Sends requests for a minute, and draws each dashboard with what Prometheus then has."""
    import pictures  # matplotlib is there only for this

    start = time.time()
    while time.time() < start + PICTURED:
        for path, headers in stage.examples():
            get(stage.envoy, path, headers)
        time.sleep(0.2)
    end = time.time()
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                target["series"] = stage.range(filled(target["expr"]), start, end)
        print(pictures.draw(dashboard, directory / f"{file.stem}.png"))


def found(stage):
    """The queries that are wrong or find nothing now. Each second has requests of every kind."""
    for path, headers in stage.examples():
        get(stage.envoy, path, headers)
    problems = []
    for name, query in queries():
        query = filled(query)
        result, error = stage.ask(query)
        if error:
            problems.append(f"{name}: {query}: {error}")
        elif not result or all(sample["value"][1] == "NaN" for sample in result):
            problems.append(f"{name}: {query}: finds nothing")
    return problems


def main():
    parser = argparse.ArgumentParser()
    for name in ("binary", "envoy", "prometheus"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--pictures", type=pathlib.Path, metavar="DIRECTORY")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(arguments, pathlib.Path(folder))
        try:
            until("request to paste", lambda: len(list(stage.examples())) > 5)
            until("Prometheus", lambda: get(stage.prometheus, "/-/ready")[0] == 200)
            end = time.monotonic() + PATIENCE
            problems = found(stage)
            while problems and time.monotonic() < end:
                time.sleep(1)
                problems = found(stage)
            if arguments.pictures:
                draw(stage, arguments.pictures)
        finally:
            stage.stop()
    count = len(list(queries()))
    for each in problems:
        print(each, file=sys.stderr)
    if problems or count < 30:
        sys.exit(f"{len(problems)} of {count} queries")
    print(f"dashboards: {count} queries find something in a real Prometheus: all good")


main()

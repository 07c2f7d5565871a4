"""The programs under load, and those that make the load, for fleet.py and storm.py.

In: the release build, a real Redis, the program of this folder. Out: replicas that are ready, their
memory, CPU time and metrics. Everything listens on free ports of loopback or on sockets of a folder of
its own, and ends with this program, by its id.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BATCH = 500
SEED = secrets.token_hex(16)
SECRET = secrets.token_hex(24)
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def scheduled(elsewhere):
    """What would run on another machine runs here only while nothing else wants a core."""
    return ["chrt", "--idle", "0"] if elsewhere else []


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, seconds=60, every=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        time.sleep(every)
    sys.exit(f"waited {seconds} s for {what}")


def fetch(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
        return answer.read().decode()


def end_after(seconds):
    """The run ends even if a program does not answer."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {seconds} s"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    signal.alarm(seconds)


class Programs:
    """Everything that runs; all of it ends with this program."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self, name, command, **options):
        with open(self.folder / f"{name}.log", "ab") as log:
            options = {"stdout": log, "stderr": log, "start_new_session": True, **options}
            process = subprocess.Popen(list(map(str, command)), **options)
        self.running.append(process)
        return process

    def kill(self, process):
        process.kill()
        process.wait()
        self.running.remove(process)

    def end(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running = []


def cpu(pid):
    """Seconds of CPU time that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid):
    """The resident memory of a process, in MiB."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / (1 << 20)


def h2load(seconds, address, frame, streams, *more):
    """The command that sends the check in a file over and over."""
    return ["h2load", f"-D{seconds}", "-c2", f"-m{streams}", "-t1", f"-d{frame}", "-H", "content-type: application/grpc",
            "-H", "te: trailers", *more, f"http://{address}/envoy.service.auth.v3.Authorization/Check"]


class Load:
    """The program that makes the load."""

    def __init__(self, program, programs):
        self.program, self.programs = program, programs

    def begin(self, command, elsewhere=False, **options):
        """Starts a command. `elsewhere`: it would be on another machine."""
        if command in ("public", "frame", "checks", "spread", "refreshes", "push", "fresh", "lost", "issuer"):
            options["seed"] = SEED
        return self.programs.start(f"load-{command}", [*scheduled(elsewhere), self.program, command, json.dumps(options)],
                                   stdout=subprocess.PIPE, text=True)

    def result(self, process):
        text = process.communicate()[0]
        self.programs.running.remove(process)
        if process.returncode:
            log = self.programs.folder / f"load-{process.args[-2]}.log"
            sys.exit(log.read_text()[-500:])
        return json.loads(text)

    def run(self, command, **options):
        return self.result(self.begin(command, **options))

    def server(self, command, **options):
        """A server of the load, and its address."""
        process = self.begin(command, **options)
        line = process.stdout.readline().strip()
        if not line:
            sys.exit(f"load {command} did not start")
        return process, line.removeprefix("http://")


class Redis:
    def __init__(self, program, programs, elsewhere=False):
        self.program, self.programs, self.port, self.elsewhere = program, programs, free_port(), elsewhere
        self.start()

    def start(self):
        self.process = self.programs.start("redis", [
            *scheduled(self.elsewhere), self.program.resolve(), "--bind", "127.0.0.1", "--port", self.port, "--save", "",
            "--appendonly", "no", "--dir", self.programs.folder, "--loglevel", "warning"])
        until("Redis", lambda: self.info())

    def kill(self):
        self.programs.kill(self.process)

    def ask(self, *words):
        """The answer to a command, of which the first line or the first text counts."""
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        command = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection, connection.makefile("rb") as answer:
            connection.sendall(command)
            first = answer.readline()
            return answer.read(int(first[1:])).decode() if first.startswith(b"$") else first[1:].strip().decode()

    def fill(self, revocations, prefix="rownd-authz"):
        """Puts revocations of tokens that nobody has into the set, as a replica does: by its own script."""
        scripts = ROOT / "src" / "shared" / "redis" / "scripts"
        merge = (scripts / "set.lua").read_text() + "\n" + (scripts / "merge.lua").read_text()
        keys = [f"{{{prefix}}}:set:{part}" for part in ("records", "changes", "ends", "about")]
        for begun in range(0, revocations, BATCH):
            count = min(BATCH, revocations - begun)
            records = [word for _ in range(count) for word in (secrets.token_bytes(32), 0, 0, 3_600_000, 0, 0)]
            self.ask("EVAL", merge, len(keys), *keys, "filled", 20_000_000, f"{{{prefix}}}:changed",
                     int(time.time() * 1000), *records)

    def info(self):
        found = dict(line.split(":", 1) for line in self.ask("INFO", "everything").split("\r\n") if ":" in line)
        calls = lambda *names: sum(int(re.match(r"calls=(\d+)", found.get(f"cmdstat_{name}", "calls=0"))[1])
                                   for name in names)
        return {
            "at": time.monotonic(),
            "cpu": float(found["used_cpu_user"]) + float(found["used_cpu_sys"]),
            "questions": calls("evalsha", "eval", "ping", "subscribe"),
            "in": int(found["total_net_input_bytes"]), "out": int(found["total_net_output_bytes"]),
            "memory": int(found["used_memory"]) / (1 << 20),
        }

    def during(self, act):
        """What it does while something happens, per second, with CPU as a part of one core; and the result."""
        before = self.info()
        result = act()
        after = self.info()
        passed = after["at"] - before["at"]
        rates = {name: (after[name] - before[name]) / passed for name in ("cpu", "questions", "in", "out")}
        return {**rates, "memory": after["memory"], "passed": passed}, result


class Replica:
    """One process of the product."""

    def __init__(self, server, programs, name, settings, shown=(), elsewhere=False):
        self.server, self.programs, self.name, self.elsewhere = server, programs, name, elsewhere
        self.grpc, self.ops, self.http = (f"127.0.0.1:{free_port()}" for _ in range(3))
        self.control = programs.folder / f"{name}.sock"
        listeners = {
            "grpc": {"address": self.grpc, "workers": 1}, "ops": {"address": self.ops},
            "control": {"address": f"unix:{self.control}"},
        }
        if shown:
            listeners["http"] = {"address": self.http, "serve": list(shown), "max_connections": 2048}
        self.file = programs.folder / f"{name}.yaml"
        # JSON is YAML.
        self.file.write_text(json.dumps({"listeners": listeners, **settings}))
        self.process = None

    def start(self):
        """Starts it; the seconds until it is ready."""
        began = time.monotonic()
        command = [*scheduled(self.elsewhere), self.server.resolve(), "serve", "--config", self.file]
        self.process = self.programs.start(self.name, command, env={})
        self.is_ready()
        return time.monotonic() - began

    def is_ready(self):
        def asks():
            if self.process.poll() is not None:
                sys.exit(f"{self.name} ended: {(self.programs.folder / f'{self.name}.log').read_text()[-800:]}")
            try:
                return fetch(self.ops, "/readyz") is not None
            except urllib.error.HTTPError:
                return False
        until(f"{self.name} to be ready", asks, every=0.01)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.programs.running.remove(self.process)

    def kill(self):
        self.programs.kill(self.process)

    def cpu(self):
        return cpu(self.process.pid)

    def memory(self):
        return memory(self.process.pid)

    def metrics(self):
        """Series with their labels, as written."""
        lines = (line.rpartition(" ") for line in fetch(self.ops, "/metrics").splitlines() if line and line[0] != "#")
        return {name: float(value) for name, _, value in lines}

    def sum(self, name, **labels):
        """The sum over all series of a metric with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(value for series, value in self.metrics().items()
                   if re.split(r"[{ ]", series)[0] == name and all(part in series for part in wanted))


def settings(load, redis=None, issuer=None):
    """The configuration of a replica that trusts the load's issuer."""
    keys = json.dumps(load.run("public"))
    made = {
        "issuers": [{"name": "idp", "kind": "static", "issuer": "urn:load", "audiences": ["load"],
                     "algorithms": ["EdDSA"], "key_set": keys}],
        "revocation": {"max_entries": 200_000},
        "shutdown": {"drain_delay": "0s", "grace": "5s"},
        "log": {"level": "warn"},
    }
    if issuer:
        made["issuers"].append({"name": "rownd", "kind": "rownd", "base_url": f"http://{issuer}",
                                "jwks_url": f"http://{issuer}/hub/auth/keys",
                                "apps": [{"id": "app_load0000000000000000000001", "key": "key_load"}]})
    if redis:
        made["shared"] = {"url": f"redis://127.0.0.1:{redis.port}",
                          "key": base64.b64encode(secrets.token_bytes(32)).decode()}
    made["rownd_auth"] = {"callers": [{"name": "load", "secret": SECRET, "allow": ["exchange", "read_events"]}]}
    return made


def room_for(replicas):
    """Ends the run if the machine has not the memory for so many replicas."""
    free = int(re.search(r"MemAvailable:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) >> 10
    if free < replicas * 80 + 1000:
        sys.exit(f"{replicas} replicas need about {replicas * 80 + 1000} MiB, {free} MiB are free")

"""A storm of events, in and out, and processes that are killed in it. Everything is counted by ids.

`make storm` calls this. In: the release build, the program of this folder, Redis, h2load. Out: two tables
(Markdown) and 0; or 1 if anything that was acknowledged is lost, a check failed, an event is neither sent
nor counted as dropped, or the memory of a replica exceeds its bound. Events come in as signed events
that are pushed to replica A; they go out of it to a receiver by HTTP, a file, and a stream. Denied checks
and checks of new tokens make most of them, as they do in a real storm. Load, Redis, receiver and two
replicas share the cores of this machine; all of them but replica A and its checks would be on other machines,
so they run only while those two leave a core idle.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time

import rig

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SINKS = ("receiver", "file", "stream")
# The resident memory of a replica in MiB: 32 MiB for each of three queues in memory, 16 MiB of events for
# readers, 200 000 revocations, and what an idle one has.
BOUND_MIB = 256
# Checks a second whose time is measured.
STEADY = 200


class Sampler:
    """The memory of some processes, while something happens."""

    def __init__(self, **processes):
        self.processes, self.found, self.over = processes, collections.defaultdict(list), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(0.1):
            for name, pid in self.processes.items():
                try:
                    self.found[name].append(rig.memory(pid()))
                except (OSError, IndexError):
                    pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def most(self, name):
        return max(self.found[name], default=0)


class Storm:
    def __init__(self, given, folder, programs):
        self.given, self.folder, self.programs, self.wrong, self.runs = given, folder, programs, [], 0
        self.load = rig.Load(given.load.resolve(), programs)
        self.redis = rig.Redis(given.redis, programs, elsewhere=True)
        self.receiver_port, self.taken, self.events = rig.free_port(), folder / "taken", folder / "events.jsonl"
        self.start_receiver()
        settings = rig.settings(self.load, self.redis)
        self.a = rig.Replica(given.server, programs, "a", {**settings, "events": self.events_of_a()}, ["webhooks"])
        self.b = rig.Replica(given.server, programs, "b", settings, elsewhere=True)
        self.a.start()
        self.b.start()
        self.empty, self.acknowledged = folder / "empty.bin", folder / "acknowledged"
        self.load.run("frame", path=str(self.empty))

    def events_of_a(self):
        return {
            "source": "https://authz.test",
            "sources": [{"name": "idp", "kind": "shared_signals", "issuer": "idp",
                         "audiences": ["https://authz.test/webhooks/idp"],
                         "caller": {"sources": ["127.0.0.0/8"], "per_second": 10_000}}],
            "sinks": [
                {"name": "receiver", "http": {"url": f"http://127.0.0.1:{self.receiver_port}/events",
                                              "secrets": [SECRET], "directory": str(self.folder / "queue")}},
                {"name": "file", "file": {"path": str(self.events), "keep": 100}},
                {"name": "stream", "stream": {}},
            ],
        }

    def start_receiver(self):
        self.receiver, self.receiver_at = self.load.server(
            "receiver", address=f"127.0.0.1:{self.receiver_port}", file=str(self.taken), secret=SECRET, elsewhere=True)

    def produced(self, sink):
        """Events that a sink has sent, dropped, or given up, or that wait on disk for it."""
        metrics = self.a.metrics()
        of = lambda name: sum(value for series, value in metrics.items()
                              if series.startswith(f"rownd_authz_events_{name}{{") and f'sink="{sink}"' in series)
        return {name: of(f"{name}_total" if name != "waiting" else name)
                for name in ("sent", "dropped", "dead", "waiting")}

    def quiet(self):
        """Waits until every event is sent or dropped."""
        def settled():
            before = {sink: self.produced(sink) for sink in SINKS}
            time.sleep(0.3)
            after = {sink: self.produced(sink) for sink in SINKS}
            return before == after and not after["receiver"]["waiting"]
        rig.until("the sinks to be done", settled, 300)

    def blow(self, seconds, events_in=0, denied=0, fresh=0, events_at_once=60, meanwhile=lambda: None):
        """A storm of some seconds. `meanwhile` is called in its middle."""
        self.runs += 1
        running = []
        if events_in:
            before = counted(self)["in"]
            running.append(("push", self.load.begin(
                "push", address=self.a.http, path="/webhooks/idp", prefix=f"in{self.runs}", rate=events_in,
                seconds=seconds, atonce=events_at_once, elsewhere=True, file=str(self.acknowledged))))
            # It signs all of them first.
            rig.until("the events to come in", lambda: counted(self)["in"] > before, 120)
        if fresh:
            running.append(("fresh", self.load.begin(
                "fresh", address=self.a.grpc, prefix=f"new{self.runs}", rate=fresh, seconds=seconds, elsewhere=True)))
        if denied:
            running.append(("denied", self.programs.start("h2load", [
                *rig.scheduled(True), *rig.h2load(seconds, self.a.grpc, self.empty, 64, f"--rps={denied // 2}")])))
        result = meanwhile()
        found = {}
        for name, process in running:
            if name == "denied":
                process.wait(seconds + 60)
                self.programs.running.remove(process)
            else:
                found[name] = self.load.result(process)
        return found, result

    def median(self, seconds):
        found = self.load.run("checks", address=self.a.grpc, jti="steady", user="steady", rate=STEADY, seconds=seconds)
        if found["failed"] or found["denied"]:
            self.wrong.append(f"checks in the storm: {found}")
        return found["took"]

    def ids(self):
        """The numbers of the events in the file, by process, and how many lines there are."""
        numbers, lines = collections.defaultdict(set), 0
        for path in self.folder.glob("events.jsonl*"):
            with open(path) as text:
                for line in text:
                    process, _, number = json.loads(line)["id"].partition("-")
                    numbers[process].add(int(number))
                    lines += 1
        return numbers, lines

    def taken_ids(self):
        numbers = collections.defaultdict(set)
        for line in self.taken.read_text().split():
            process, _, number = line.partition("-")
            numbers[process].add(int(number))
        return numbers

    def lost(self, replicas):
        """The acknowledged events whose users some replica lets in."""
        found = self.load.run("lost", addresses=[replica.grpc for replica in replicas], file=str(self.acknowledged))
        if found["reasons"]:
            self.wrong.append(f"checks afterwards: {found['reasons']}")
        if found["lost"]:
            self.wrong.append(f"{found['lost']} acknowledged events are lost: {found['some']}")
        return found


def counted(storm):
    """The counters of replica A, and the time."""
    metrics = storm.a.metrics()

    def of(name, *labels):
        return sum(value for series, value in metrics.items()
                   if series.startswith(name + "{") and all(label in series for label in labels))
    inbound = ("rownd_authz_inbound_requests_total", 'kind="shared_signals_push"')
    ok = of(*inbound, 'result="ok"')
    found = {"at": time.monotonic(), "cpu": storm.a.cpu(), "in": ok, "refused": of(*inbound) - ok}
    for sink in SINKS:
        found[sink] = of("rownd_authz_events_sent_total", f'sink="{sink}"')
        found[f"{sink} dropped"] = of("rownd_authz_events_dropped_total", f'sink="{sink}"')
    found["made"] = found["file"] + found["file dropped"]
    return found


def measure_level(storm, rate, turns, seconds):
    """One level of the storm: checks during it and without it, by turns."""
    ratios, rates, off, longest = [], collections.defaultdict(list), [], 0
    made, dropped = 0, 0
    for _ in range(turns):
        off.append(storm.median(seconds)["p50"])

        def meanwhile():
            time.sleep(0.5)
            before, took, after = counted(storm), storm.median(seconds), counted(storm)
            passed = after["at"] - before["at"]
            for name in after:
                rates[name].append((after[name] - before[name]) / passed)
            return took
        before = counted(storm)
        _, on = storm.blow(seconds + 2, events_in=rate, denied=rate - rate // 10, fresh=rate // 10,
                           events_at_once=256 if rate > 5000 else 60, meanwhile=meanwhile)
        ratios.append(on["p50"] / off[-1])
        longest = max(longest, on["p99"])
        storm.quiet()
        after = counted(storm)
        made += after["made"] - before["made"]
        dropped += after["receiver dropped"] - before["receiver dropped"]
    mean = {name: statistics.mean(values) for name, values in rates.items()}
    print(row_of(rate, mean, (made, dropped), storm, (statistics.median(off), statistics.median(ratios), longest)),
          flush=True)


HEAD = """| offered, in and out | signed events taken in | answered 503 or 429 | events made | taken by file, stream | by the receiver | dropped for the receiver, counted | CPU of A | most memory of A | checks: median without, ratio by turns, p99 |
|---|---|---|---|---|---|---|---|---|---|"""


def row_of(rate, mean, total, storm, checks):
    return (f"| {rate}/s | {mean['in']:.0f}/s | {mean['refused']:.0f}/s | {mean['made']:.0f}/s | "
            f"{mean['file']:.0f}/s, {mean['stream']:.0f}/s | {mean['receiver']:.0f}/s | "
            f"{total[1]:.0f} of {total[0]:.0f} | {mean['cpu'] * 100:.0f} % of a core | "
            f"{storm.memory.most('a'):.0f} MiB | {checks[0]:.2f} ms, {checks[1]:.2f}, {checks[2]:.1f} ms |")


def by_ids(storm):
    """Every event of the process is at the receiver and in the file, or was counted as dropped."""
    # The number of the last event, which finds room everywhere, is the count of all: no counter is asked.
    storm.blow(1, denied=20)
    storm.quiet()
    (process, in_file), = storm.ids()[0].items()
    taken = storm.taken_ids()[process]
    numbered = max(taken | in_file)
    for sink, there in (("receiver", taken), ("file", in_file)):
        parts = storm.produced(sink)
        made = parts["sent"] + parts["dropped"] + parts["dead"]
        if made != numbered:
            storm.wrong.append(f"{sink}: {numbered} events by their numbers, {made:.0f} sent or counted")
        missing = made - len(there)
        print(f"| {sink}: {made:.0f} events made | {len(there)} there by id | {parts['dropped']:.0f} counted as dropped | "
              f"{missing - parts['dropped']:.0f} lost |", flush=True)
        if missing != parts["dropped"] or parts["dead"]:
            storm.wrong.append(f"{sink}: {made:.0f} made, {len(there)} there, {parts}")


def with_checks(storm, replica, seconds, act):
    """Does something while checks are asked; each has to be allowed."""
    asking = storm.load.begin("checks", address=replica.grpc, jti="steady", user="steady", rate=STEADY, seconds=seconds)
    act()
    found = storm.load.result(asking)
    if found["failed"] or found["denied"]:
        storm.wrong.append(f"checks at {replica.name}: {found}")
    return found["took"]["count"]


def kill(storm, what, replica, act):
    """Kills something in the middle of a storm. Whatever was acknowledged has to be there afterwards."""
    seconds = 8
    checks = 0

    def meanwhile():
        nonlocal checks
        time.sleep(1)
        checks = with_checks(storm, replica, seconds - 3, act)
    found, _ = storm.blow(seconds, events_in=400, denied=400, fresh=100, meanwhile=meanwhile)
    storm.quiet()
    lost = storm.lost([storm.a, storm.b])
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(found["push"]["statuses"].items()))
    print(f"| {what} | {statuses} | {lost['subjects']} acknowledged so far, {lost['lost']} lost | "
          f"{checks} checks, 0 failed |", flush=True)


def kill_receiver(storm):
    def act():
        time.sleep(1)
        storm.programs.kill(storm.receiver)
        time.sleep(2)
        storm.start_receiver()
    kill(storm, "the receiver", storm.a, act)


def kill_redis(storm):
    def act():
        time.sleep(1)
        storm.redis.kill()
        time.sleep(2)
        storm.redis.start()
    kill(storm, "Redis, which comes back empty", storm.a, act)
    acknowledged = len(storm.acknowledged.read_text().split())
    rig.until("Redis to have the list again", lambda: int(
        storm.redis.ask("HLEN", "{rownd-authz}:set:records")) >= acknowledged)
    storm.b.stop()
    storm.b.start()
    storm.lost([storm.b])


def kill_replica(storm):
    known = storm.produced("receiver")["dropped"]

    def act():
        time.sleep(1)
        storm.a.kill()
        time.sleep(1)
        storm.a.start()
    (process, _), = storm.ids()[0].items()
    kill(storm, "replica A", storm.b, act)
    # Batches go to the disk in order: of the events up to the last one, only dropped ones may be missing.
    for sink, there in (("receiver", storm.taken_ids()[process]), ("file", storm.ids()[0][process])):
        missing = max(there) - len(there)
        print(f"| {sink}: up to event {max(there)} of the process that was killed | {missing - known:.0f} missing |")
        if missing > known:
            storm.wrong.append(f"{sink}: {missing} events before the last one are missing")


def measure(storm, given):
    print(f"{os.cpu_count()} cores\n\n{HEAD}", flush=True)
    levels = [1000] if given.quick else [1000, 3000, 10_000]
    reader = storm.load.begin("stream", address=storm.a.grpc, secret=rig.SECRET, seconds=3000)
    for rate in levels:
        measure_level(storm, rate, given.turns, given.seconds)
    storm.programs.kill(reader)
    print("\n| counted by ids | | | |\n|---|---|---|---|")
    by_ids(storm)
    print("\n| killed in the middle | signed events | afterwards, at both replicas | meanwhile |\n|---|---|---|---|")
    kill_receiver(storm)
    by_ids(storm)
    kill_redis(storm)
    kill_replica(storm)
    if storm.memory.most("a") > BOUND_MIB:
        storm.wrong.append(f"replica A had {storm.memory.most('a'):.0f} MiB, the bound is {BOUND_MIB} MiB")


def main():
    parser = argparse.ArgumentParser()
    for name in ("server", "load", "redis"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="one level of the storm, one turn")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement (1 to 30)")
    parser.add_argument("--turns", type=int, default=5, help="with the storm and without (1 to 50)")
    given = parser.parse_args()
    if not (1 <= given.seconds <= 30 and 1 <= given.turns <= 50):
        parser.error("--seconds: 1 to 30; --turns: 1 to 50")
    if not shutil.which("h2load"):
        sys.exit("h2load is missing (Debian: nghttp2-client)")
    if given.quick:
        given.seconds, given.turns = 2, 1
    rig.end_after(240 if given.quick else 1200)
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        programs = rig.Programs(pathlib.Path(name))
        try:
            storm = Storm(given, pathlib.Path(name), programs)
            with Sampler(a=lambda: storm.a.process.pid) as storm.memory:
                measure(storm, given)
        finally:
            programs.end()
    if storm.wrong:
        sys.exit("\n".join(storm.wrong))
    print("\nnothing that was acknowledged is lost")


if __name__ == "__main__":
    main()

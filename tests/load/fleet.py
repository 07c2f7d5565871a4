"""Measures a fleet: replicas that share their state by a real Redis.

`make fleet` calls this. In: the release build, the program of this folder, Redis, h2load. Out: one table
(Markdown) and 0; or 1 if a revocation came later than a second after it was acknowledged, a refresh
token was sent to the issuer twice, a call failed, or a check costs more with `shared` than without.
All replicas are processes of this machine and share its cores. Elsewhere the times differ.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import rig

BOUND_MS = 1000
# A check may cost this much more with `shared`: more is no noise.
DEARER = 1.15
# Replicas, commands to measure the spread by, and how often each replica is asked meanwhile, in ms.
FLEETS = [(2, 200, 2), (10, 200, 5), (50, 60, 25)]
QUICK = [(2, 30, 2), (5, 30, 5)]


class Table:
    """Rows with a column for each size of the fleet."""

    def __init__(self, sizes):
        self.sizes, self.rows = sizes, {}

    def put(self, row, size, text):
        self.rows.setdefault(row, {})[size] = text
        print(f"  {size} replicas: {row}: {text}", file=sys.stderr, flush=True)

    def __str__(self):
        head = ["| | " + " | ".join(f"{size} replicas" for size in self.sizes) + " |",
                "|---|" + "---|" * len(self.sizes)]
        return "\n".join(head + [f"| {row} | " + " | ".join(cells.get(size, "") for size in self.sizes) + " |"
                                 for row, cells in self.rows.items()])


class Fleet:
    def __init__(self, given, folder, programs):
        self.given, self.folder, self.programs, self.replicas, self.wrong = given, folder, programs, [], []
        self.load = rig.Load(given.load.resolve(), programs)
        self.redis = rig.Redis(given.redis, programs)
        _, self.issuer = self.load.server("issuer", address="127.0.0.1:0")
        self.settings = rig.settings(self.load, self.redis, self.issuer)

    def grow(self, size):
        """Starts replicas until there are so many; the seconds that the last one took."""
        rig.room_for(size - len(self.replicas))
        seconds = 0
        while len(self.replicas) < size:
            name = f"replica-{len(self.replicas)}"
            self.replicas.append(rig.Replica(self.given.server, self.programs, name, self.settings))
            seconds = self.replicas[-1].start()
        return seconds

    def shrink(self, size):
        while len(self.replicas) > size:
            self.replicas.pop().stop()

    def spread(self, commands, every, prefix):
        first, *others = self.replicas
        found = self.load.run("spread", control=str(first.control), replicas=[other.grpc for other in others],
                              prefix=prefix, commands=commands, everyms=every, boundms=BOUND_MS)
        if found["late"]:
            self.wrong.append(f"{found['late']} denials came later than {BOUND_MS} ms after the acknowledgement")
        return found

    def rest(self, seconds):
        """Redis and the replicas while nothing happens."""
        before = [replica.cpu() for replica in self.replicas]
        redis, _ = self.redis.during(lambda: time.sleep(seconds))
        used = [after - was for after, was in zip((replica.cpu() for replica in self.replicas), before)]
        return redis, statistics.mean(used) / seconds

    def have(self, revocations):
        return all(replica.sum("rownd_authz_revocations") >= revocations for replica in self.replicas)


def three(found):
    return f"{found['p50']:.0f} / {found['p99']:.0f} / {found['max']:.0f} ms"


def redis_of(found):
    return (f"{found['cpu'] * 100:.1f} % of a core, {found['questions']:.0f} questions/s, "
            f"{found['in'] / 1000:.0f} kB/s in, {found['out'] / 1000:.0f} kB/s out")


def measure_spread(fleet, table, size, commands, every, suffix=""):
    found = fleet.spread(commands, every, f"spread-{size}-{len(table.rows)}")
    table.put(f"a command until it is acknowledged{suffix}, p50 / p99 / max", size, three(found["command"]))
    table.put(f"a command until another replica denies{suffix}", size, three(found["from_command"]))
    table.put(f"the acknowledgement until another replica denies{suffix}", size, three(found["from_answer"]))


def measure_rest(fleet, table, size, seconds, suffix=""):
    redis, replica = fleet.rest(seconds)
    table.put(f"Redis while idle{suffix}", size, redis_of(redis))
    table.put(f"memory of Redis{suffix}", size, f"{redis['memory']:.1f} MiB")
    table.put(f"CPU of a replica while idle{suffix}", size, f"{replica * 100:.2f} % of a core")
    resident = statistics.mean(replica.memory() for replica in fleet.replicas)
    table.put(f"memory of a replica{suffix}", size, f"{resident:.0f} MiB")


def measure_refreshes(fleet, table, size, rate, seconds):
    stats = lambda: json.loads(rig.fetch(fleet.issuer, "/stats"))
    # The issuer counts those of a smaller fleet too.
    known = stats()
    before = [replica.cpu() for replica in fleet.replicas]
    ask = lambda: fleet.load.run(
        "refreshes", replicas=[replica.grpc for replica in fleet.replicas], secret=rig.SECRET,
        base=f"http://{fleet.issuer}", prefix=f"refresh-{size}", rate=rate, seconds=seconds, twiceevery=10,
        atonce=400, patiencemillis=10_000)
    redis, found = fleet.redis.during(ask)
    used = sum(after - was for after, was in zip((replica.cpu() for replica in fleet.replicas), before))
    # The tokens are made before the load begins, so a rate would be that of a longer time.
    each = lambda *names: sum(redis[name] for name in names) * redis["passed"] / found["asked"]
    table.put("refreshes (each tenth token at two replicas at once), p50 / p99 / max", size,
              f"{found['rate'] * found['asked'] / found['tokens']:.0f}/s, {three(found['took'])}")
    table.put("Redis with them, for each refresh", size,
              f"{each('cpu') * 1e6:.0f} µs CPU, {each('questions'):.1f} questions, {each('in', 'out') / 1000:.1f} kB")
    table.put("memory of Redis after them", size, f"{redis['memory']:.1f} MiB")
    table.put("CPU of the replicas for each refresh", size, f"{used / found['asked'] * 1e6:.0f} µs")
    seen = {name: count - known[name] for name, count in stats().items()}
    table.put("tokens that the issuer got, and got twice", size, f"{seen['tokens']}, {seen['twice']}")
    if found["failed"] or seen["twice"] or seen["tokens"] != found["tokens"]:
        fleet.wrong.append(f"refreshes: {found}, the issuer saw {seen}")


def measure_list(fleet, table, size, revocations, commands, every, seconds):
    suffix = f" with {revocations} revocations"
    before = fleet.redis.info()["at"]
    fleet.redis.fill(revocations)
    filled = fleet.redis.info()["at"]
    rig.until("all replicas to have the list", lambda: fleet.have(revocations), 120)
    table.put(f"until every replica has read {revocations} new revocations", size,
              f"{fleet.redis.info()['at'] - filled:.1f} s (written in {filled - before:.1f} s)")
    measure_rest(fleet, table, size, seconds, suffix)
    measure_spread(fleet, table, size, commands, every, suffix)


def measure_start(fleet, table, size, revocations):
    fleet.shrink(size - 1)
    seconds = fleet.grow(size)
    held = fleet.replicas[-1].sum("rownd_authz_revocations")
    if held < revocations:
        fleet.wrong.append(f"a replica was ready with {held:.0f} of {revocations} revocations")
    table.put(f"start until ready, with {revocations} revocations", size, f"{seconds * 1000:.0f} ms")


def ask_checks(replica, frame, seconds):
    """Checks a second, and CPU seconds of the server for each."""
    before, allowed = replica.cpu(), replica.sum("rownd_authz_checks_total", outcome="allow")
    command = rig.h2load(seconds, replica.grpc, frame, 32)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if not re.search(r"status codes: [1-9]\d* 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout):
        sys.exit(f"h2load said: {done.stdout}{done.stderr}")
    allowed = replica.sum("rownd_authz_checks_total", outcome="allow") - allowed
    return allowed / seconds, (replica.cpu() - before) / max(1, allowed)


def measure_checks(fleet, table, size, turns, seconds, suffix):
    """A check with `shared` and without, by turns."""
    frame = fleet.folder / "check.bin"
    fleet.load.run("frame", jti="cached", user="user", path=str(frame))
    alone = rig.Replica(fleet.given.server, fleet.programs, "alone",
                        {name: part for name, part in fleet.settings.items() if name != "shared"})
    alone.start()
    pairs = [(ask_checks(alone, frame, seconds), ask_checks(fleet.replicas[0], frame, seconds))
             for _ in range(turns)]
    alone.stop()
    cost = [statistics.median(each[which][1] * 1e6 for each in pairs) for which in (0, 1)]
    ratio = statistics.median(shared[1] / own[1] for own, shared in pairs)
    rates = [statistics.median(each[which][0] for each in pairs) for which in (0, 1)]
    table.put(f"CPU of a check without `shared` / with it{suffix}", size,
              f"{cost[0]:.1f} / {cost[1]:.1f} µs, ratio {ratio:.2f} by {turns} turns")
    table.put("checks a second without / with", size, f"{rates[0]:.0f} / {rates[1]:.0f}")
    if not ratio <= DEARER:
        fleet.wrong.append(f"a check costs {ratio:.2f} times as much with `shared`")


def measure(fleet, given, table, fleets):
    last = fleets[-1][0]
    for size, commands, every in fleets:
        fleet.grow(size)
        measure_spread(fleet, table, size, commands, every)
        measure_rest(fleet, table, size, given.seconds)
        if size != last:
            measure_refreshes(fleet, table, size, given.refreshes, given.seconds)
    _, commands, every = fleets[-1]
    measure_list(fleet, table, last, given.revocations, commands, every, given.seconds)
    fleet.shrink(3)
    small = fleets[0][0]
    measure_start(fleet, table, small, given.revocations)
    measure_checks(fleet, table, small, 3 if given.quick else 9, 2, f" and {given.revocations} revocations")


def main():
    parser = argparse.ArgumentParser()
    for name in ("server", "load", "redis"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="small fleets, and short")
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement (2 to 60)")
    parser.add_argument("--refreshes", type=int, default=1000, help="refreshes a second (1 to 10000)")
    parser.add_argument("--revocations", type=int, default=100_000, help="on the list (1 to 190000)")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.revocations = 3, min(given.revocations, 5000)
    if not (2 <= given.seconds <= 60 and 1 <= given.refreshes <= 10_000 and 1 <= given.revocations <= 190_000):
        parser.error("--seconds: 2 to 60; --refreshes: 1 to 10000; --revocations: 1 to 190000")
    if not shutil.which("h2load"):
        sys.exit("h2load is missing (Debian: nghttp2-client)")
    rig.end_after(180 if given.quick else 900)
    fleets = QUICK if given.quick else FLEETS
    table = Table([size for size, *_ in fleets])
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        programs = rig.Programs(pathlib.Path(name))
        try:
            fleet = Fleet(given, pathlib.Path(name), programs)
            measure(fleet, given, table, fleets)
        finally:
            programs.end()
    print(f"{os.cpu_count()} cores, {given.seconds} s each\n\n{table}")
    if fleet.wrong:
        sys.exit("\n".join(fleet.wrong))


main()

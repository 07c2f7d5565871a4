#!/usr/bin/env python3
"""Refuses prose that a reader with school English has to read twice.

In: files and folders (default: everything git knows). Out: one line for each fault, or with
`--count` a table by folder. The judge is vale, with the rules in `styles/Plain`; it reads
Markdown itself, and gets comments and messages as Markdown from here. A sentence that may
stand is named in `exceptions.toml`; an exception that is no longer needed is a fault, too.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

import text as prose

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VALE = ROOT / ".tools/vale/vale"
RULES = ("Subject", "OneWord", "Words", "Repeated")
# Files of others, files that a tool writes, and the history, which is not rewritten.
LEFT_OUT = re.compile(
    r"(^|/)(target|\.tools|node_modules|snapshots)/|^proto/(envoy|google)/|^CHANGELOG\.md$"
    r"|^tests/prose/(styles/|exceptions)|\.txt$|package-lock\.json$|^docs/config\.schema\.json$"
)


def files(asked):
    """The files to read, by names relative to the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *asked],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()
    return [path for path in listed if not LEFT_OUT.search(path) and (ROOT / path).is_file()]


def extract(paths, into):
    """Writes the prose of each file below `into`: name written -> (path, line of each line)."""
    origin = {}
    for path in paths:
        kinds = collections.defaultdict(lambda: ([], []))
        if path.endswith((".md", ".md.in")):
            lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
            kinds["page"] = (lines, list(range(1, len(lines) + 1)))
        for block in [] if kinds else prose.blocks(ROOT, path):
            lines, numbers = kinds[block.kind]
            lines += [line for _, line in block.lines] + [""]
            numbers += [number for number, _ in block.lines] + [block.lines[-1][0]]
        for kind, (lines, numbers) in kinds.items():
            name = f"{path}.{kind}.md"
            target = pathlib.Path(into) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("\n".join(lines), encoding="utf-8")
            origin[name] = (path, numbers, lines)
    return origin


def findings(paths):
    """Each fault as (path, line, rule, message, the text it stands in)."""
    with tempfile.TemporaryDirectory() as into:
        origin = extract(paths, into)
        if not origin:
            return
        ran = subprocess.run(
            [VALE, f"--config={ROOT / '.vale.ini'}", "--output=JSON", "--no-exit", "."],
            cwd=into, capture_output=True, text=True,
        )
        if ran.returncode:
            sys.exit(f"vale: {ran.stdout}{ran.stderr}")
        for name, alerts in sorted(json.loads(ran.stdout).items()):
            path, numbers, lines = origin[name.removeprefix("./")]
            for alert in alerts:
                at = alert["Line"] - 1
                around = " ".join(lines[at : at + 2])
                yield path, numbers[at], alert["Check"].removeprefix("Plain."), alert["Message"], around


def load_exceptions():
    """Path and part of a line that may stay, and the beginnings of paths that are not held yet."""
    table = tomllib.loads((HERE / "exceptions.toml").read_text())
    allowed = [(entry["path"], entry["text"]) for entry in table.get("allow", [])]
    return allowed, tuple(entry["path"] for entry in table.get("pending", []))


def room(path):
    """The folder a finding is counted for: `src/authz`, `docs`, `tests/it`."""
    parts = path.split("/")
    depth = 4 if parts[0] == "crates" else 2
    return "/".join(parts[:depth]) if len(parts) > depth else "/".join(parts[: max(1, len(parts) - 1)])


def main():
    """Prints what was found; fails if anything was, and if an exception has no use."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", action="store_true", help="a table by folder and rule; never fails")
    options.add_argument("paths", nargs="*", help="files and folders (default: all)")
    asked = options.parse_args()
    if not VALE.exists():
        sys.exit("tests/prose/check.py: vale is missing; `make prose` builds it")
    paths = [str(pathlib.Path(path).resolve().relative_to(ROOT)) for path in asked.paths]
    (allowed, pending), used = load_exceptions(), set()
    counts, total, waiting = collections.defaultdict(collections.Counter), 0, 0
    for path, line, rule, message, around in findings(files(paths or ["."])):
        pardon = next((entry for entry in allowed if entry[0] == path and entry[1] in around), None)
        if pardon:
            used.add(pardon)
            continue
        if path.startswith(pending) and not paths and not asked.count:
            waiting += 1
            continue
        total += 1
        counts[room(path)][rule] += 1
        if not asked.count:
            print(f"{path}:{line}: {message}: {around.strip()[:100]}")
    if asked.count:
        for folder, row in sorted(counts.items()):
            print(f"{folder:32} " + "  ".join(f"{rule} {row[rule]:4}" for rule in RULES))
        print(f"{'total':32} {total}")
        return 0
    stale = [] if paths else [entry for entry in allowed if entry not in used]
    for path, text in stale:
        print(f"tests/prose/exceptions.toml: no longer needed: {path}: {text!r}")
    if waiting:
        print(f"pending: {waiting} findings in {', '.join(pending)}")
    return 1 if total or stale else 0


if __name__ == "__main__":
    sys.exit(main())

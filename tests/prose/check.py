#!/usr/bin/env python3
"""Refuses prose that a reader with school English has to read twice.

In: files and folders (default: everything git knows). Out: one line for each sentence
that breaks a rule of CONTRIBUTING.md ("Plain words"), or with `--count` a table by folder.
The rules: the subject comes first (`subject`), a doc comment has more than one word
(`one-word`), and no word of `words.toml` (`word`). `exceptions.toml` names what may stay.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tomllib

import text as prose

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# The subject of a sentence is a thing that has a name, not a clause.
SUBJECT = re.compile(r"^\W*(Who|Whom|Whose|Whoever|What|Whatever|That|As)\b(?!-)")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"'”]*\s+(?=[\"'(“]?[A-Z])")
LEFT_OUT = re.compile(
    r"(^|/)(target|\.tools|node_modules|snapshots)/|^proto/(envoy|google)/|^CHANGELOG\.md$"
    r"|^tests/prose/.*\.toml$|\.txt$|package-lock\.json$|^docs/config\.schema\.json$"
)


def sentences(block):
    """Each sentence of a block with the number of the line it begins on."""
    at = 0
    whole = block.text
    for sentence in SENTENCE_END.split(whole):
        start = whole.find(sentence, at)
        at = start + len(sentence)
        yield line_of(block, start), sentence


def line_of(block, offset):
    """The number of the line that holds the character `offset` of the block's text."""
    seen = 0
    for number, text in block.lines:
        words = " ".join(text.split())
        seen += len(words) + (1 if words else 0)
        if offset < seen:
            return number
    return block.lines[-1][0]


def findings(block, words):
    """Every fault of a block: rule, line, and the sentence with advice."""
    if block.kind == "doc" and re.fullmatch(r"\W*[\w'’-]+\W*", block.text) and block.text.strip(". ") != prose.CODE:
        yield "one-word", block.line, f"{block.text!r}: say the thing, its unit, its bound or its reason"
    for line, sentence in sentences(block):
        if block.kind in ("doc", "comment", "page", "message") and SUBJECT.match(sentence):
            if not sentence.rstrip(")\"' ").endswith("?"):
                yield "subject", line, f"subject first: {shown(sentence)}"
        for pattern, instead in words:
            found = pattern.search(sentence)
            if found:
                yield "word", line, f"{found.group()!r}: {instead}: {shown(sentence, found.start())}"


def shown(sentence, around=0):
    """A sentence, cut to what fits on a line of a terminal."""
    start = max(0, around - 30)
    return ("..." if start else "") + sentence[start : start + 90]


def files(asked):
    """The files to read, by names relative to the tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *asked],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()
    return [path for path in listed if not LEFT_OUT.search(path)]


def load_words():
    """The words not to use, each with what to say instead."""
    table = tomllib.loads((HERE / "words.toml").read_text())["instead_of"]
    return [(re.compile(rf"(?<![\w-])(?:{word})(?![\w-])", re.IGNORECASE), to) for word, to in table.items()]


def load_exceptions():
    """Path and part of a sentence that may stay."""
    table = tomllib.loads((HERE / "exceptions.toml").read_text()).get("allow", [])
    return [(entry["path"], entry["text"]) for entry in table]


def room(path):
    """The folder a finding is counted for: `src/authz`, `docs`, `tests/it`."""
    parts = path.split("/")
    depth = 4 if parts[0] == "crates" else 2
    return "/".join(parts[:depth]) if len(parts) > depth else "/".join(parts[: max(1, len(parts) - 1)])


def main():
    """Prints what was found; fails if anything was, and if an exception has no use."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", action="store_true", help="a table by folder and rule; never fails")
    options.add_argument("paths", nargs="*", default=["."], help="files and folders (default: all)")
    asked = options.parse_args()
    paths = [str(pathlib.Path(path).resolve().relative_to(ROOT)) for path in asked.paths] \
        if asked.paths != ["."] else ["."]
    words, allowed, used = load_words(), load_exceptions(), set()
    counts, total = collections.defaultdict(collections.Counter), 0
    for path in files(paths):
        for block in prose.blocks(ROOT, path):
            for rule, line, message in findings(block, words):
                pardon = next((a for a in allowed if a[0] == path and a[1] in block.text), None)
                if pardon:
                    used.add(pardon)
                    continue
                total += 1
                counts[room(path)][rule] += 1
                if not asked.count:
                    print(f"{path}:{line}: {rule}: {message}")
    if asked.count:
        for folder in sorted(counts):
            row = counts[folder]
            print(f"{folder:32} " + "  ".join(f"{rule} {row[rule]:4}" for rule in ("subject", "one-word", "word")))
        print(f"{'total':32} {total}")
        return 0
    stale = [entry for entry in allowed if entry not in used] if paths == ["."] else []
    for path, text in stale:
        print(f"tests/prose/exceptions.toml: no longer needed: {path}: {text!r}")
    return 1 if total or stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""Finds the prose of a file that is no page: a path in, blocks of Markdown with line numbers out.

A block is one thing that is read in one go: a doc comment, a comment, a message in a string.
"""

import pathlib
import re
from dataclasses import dataclass, field

HASH_SUFFIXES = {".yaml", ".yml", ".toml", ".py", ".rb", ".tpl", ".in", ".sh"}
HASH_NAMES = {"Makefile", "Dockerfile", "run", "need", "dist", "image-test", "chart", "envoy-gateway"}
SLASH_SUFFIXES = {".cjs", ".js", ".go", ".java", ".cs", ".proto"}


@dataclass
class Block:
    """Lines of prose that belong together; `kind` is doc, comment or message."""

    kind: str
    lines: list = field(default_factory=list)


def blocks(root, path):
    """Every block of prose in the file `path`, a relative name below `root`."""
    name = pathlib.PurePosixPath(path)
    try:
        source = (pathlib.Path(root) / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    if name.suffix == ".rs":
        return rust(path, source)
    if name.suffix in SLASH_SUFFIXES:
        return commented(source, "//")
    if name.suffix in HASH_SUFFIXES or name.name in HASH_NAMES:
        return commented(source, "#")
    return []


RUST = re.compile(
    r"""
      (?P<comment>//[^\n]*)
    | (?P<long>/\*.*?\*/)
    | (?P<raw>b?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<string>[bc]?"(?:\\.|[^"\\])*")
    | (?P<char>b?'(?:\\[^\n]{1,9}?|[^'\\\n])')
    """,
    re.VERBOSE | re.DOTALL,
)


def rust(path, source):
    """Comments, and the strings of the program that read like sentences."""
    found, above = [], None
    line, at = 1, 0
    in_tests = is_test(path)
    tests_from = len(source) if in_tests else first_test(source)
    for token in RUST.finditer(source):
        line += source.count("\n", at, token.start())
        at = token.start()
        text = token.group()
        if token.lastgroup == "comment" or text.startswith("//"):
            marker = re.match(r"//[/!]?", text).group()
            kind = "comment" if marker == "//" else "doc"
            alone = not source[source.rfind("\n", 0, at) + 1 : at].strip()
            follows = above and alone and above[0] == marker and above[1] == line - 1
            if not follows:
                found.append(Block(kind))
            found[-1].lines.append((line, text[len(marker) :].removeprefix(" ")))
            above = (marker, line) if alone else None
            continue
        if text.startswith(('"', 'r"', "r#")) and at < tests_from and not in_tests:
            words = message(text)
            if words:
                found.append(Block("message", [(line, words)]))
    return found


def is_test(path):
    """Is this a file of tests, whose strings are input and not messages?"""
    return path.startswith(("tests/", "benches/", "fuzz/")) or "/tests" in path or "_tests" in path


def first_test(source):
    """Where the tests of a source file begin; its end if it has none inside."""
    found = re.search(r"^#\[cfg\(test\)\]\nmod \w+ \{", source, re.MULTILINE)
    return found.start() if found else len(source)


def message(literal):
    """The text of a string literal, or nothing if it is no prose."""
    text = re.sub(r'^r?#*"|"#*$', "", literal)
    text = re.sub(r"\\\n\s*", "", text)
    if "\n" in text or re.search(r"[{}]\s*$|^[\[{<]|: \[|^/|=\{", text) and len(text) < 20:
        return ""
    text = re.sub(r"\{[^{}]*\}", "`x`", text.replace("\\n", " ").replace('\\"', '"'))
    return text if len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 else ""


def commented(source, marker):
    """Comments of a language whose comments run to the end of the line."""
    found, above = [], -1
    mark = re.escape(marker)
    for number, text in enumerate(source.splitlines(), 1):
        whole = re.match(rf"^\s*{mark}+(?!!/|yaml-language)\s?(.*)$", text)
        behind = re.search(rf"\s{mark}{{1,2}}\s([^\"'`]*)$", text)
        if whole:
            if above != number - 1:
                found.append(Block("comment"))
            found[-1].lines.append((number, whole.group(1)))
            above = number
        elif behind:
            found.append(Block("comment", [(number, behind.group(1))]))
    return found

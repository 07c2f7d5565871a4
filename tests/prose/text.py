"""Finds the prose of a file: a path in, blocks of text with their line numbers out.

A block is one thing that is read in one go: a doc comment, a comment, a paragraph of a
page, a cell of a table, a message in a string. Code inside prose becomes the word CODE.
"""

import pathlib
import re
from dataclasses import dataclass, field

CODE = "CODE"
HASH_SUFFIXES = {".yaml", ".yml", ".toml", ".py", ".rb", ".tpl", ".in", ".sh"}
HASH_NAMES = {"Makefile", "Dockerfile", "run", "need", "dist", "image-test", "chart", "envoy-gateway"}
SLASH_SUFFIXES = {".cjs", ".js", ".go", ".java", ".cs", ".proto"}


@dataclass
class Block:
    """Lines of prose that belong together; `kind` is doc, comment, message or page."""

    path: str
    kind: str
    lines: list = field(default_factory=list)

    @property
    def line(self):
        """The number of the first line, from 1."""
        return self.lines[0][0]

    @property
    def text(self):
        """The whole block as one line."""
        return " ".join(" ".join(text for _, text in self.lines).split())


def blocks(root, path):
    """Every block of prose in the file `path`, a relative name below `root`."""
    name = pathlib.PurePosixPath(path)
    try:
        source = (pathlib.Path(root) / path).read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []
    if name.suffix == ".rs":
        found = rust(path, source)
    elif name.suffix == ".md":
        return page(path, list(enumerate(source.splitlines(), 1)), "page")
    elif name.suffix in SLASH_SUFFIXES:
        found = commented(path, source, "//")
    elif name.suffix in HASH_SUFFIXES or name.name in HASH_NAMES:
        found = commented(path, source, "#")
    else:
        return []
    return [part for block in found for part in page(path, block.lines, block.kind)]


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
                found.append(Block(path, kind))
            found[-1].lines.append((line, text[len(marker) :].removeprefix(" ")))
            above = (marker, line) if alone else None
            continue
        if text.startswith(('"', 'r"', "r#")) and at < tests_from and not in_tests:
            words = message(text)
            if words:
                found.append(Block(path, "message", [(line, words)]))
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
    text = re.sub(r"\{[^{}]*\}", CODE, text.replace("\\n", " ").replace('\\"', '"'))
    return text if len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 else ""


def commented(path, source, marker):
    """Comments of a language whose comments run to the end of the line."""
    found, above = [], -1
    mark = re.escape(marker)
    for number, text in enumerate(source.splitlines(), 1):
        whole = re.match(rf"^\s*{mark}+(?!!/|yaml-language)\s?(.*)$", text)
        behind = re.search(rf"\s{mark}{{1,2}}\s([^\"'`]*)$", text)
        if whole:
            if above != number - 1:
                found.append(Block(path, "comment"))
            found[-1].lines.append((number, whole.group(1)))
            above = number
        elif behind:
            found.append(Block(path, "comment", [(number, behind.group(1))]))
    return found


FENCE = re.compile(r"^\s*(?:```|~~~)")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+")


def page(path, lines, kind):
    """Cuts Markdown into paragraphs, items, headings and cells; code blocks vanish."""
    found, fresh, fenced, hidden = [], True, False, False
    for number, text in lines:
        if FENCE.match(text):
            fenced, fresh = not fenced, True
            continue
        hidden = hidden or text.lstrip().startswith("<!--")
        if fenced or hidden or not text.strip():
            hidden, fresh = hidden and "-->" not in text, True
            continue
        if kind == "page" and text.startswith("    ") and fresh and not ITEM.match(text):
            continue
        if text.lstrip().startswith("|"):
            cells = re.split(r"(?<!\\)\|", text.strip().strip("|"))
            found += [Block(path, "cell", [(number, plain(cell))]) for cell in cells if cell.strip()]
            fresh = True
            continue
        heading = re.match(r"^#+\s+", text) if kind == "page" else None
        if fresh or heading or ITEM.match(text):
            found.append(Block(path, "heading" if heading else kind))
        text = re.sub(ITEM, "", re.sub(r"^(#+|>)\s+", "", text)) if kind != "message" else text
        found[-1].lines.append((number, text))
        fresh = heading is not None
    for block in found:
        block.lines = strip_code(block.lines)
    return [block for block in found if block.text]


def strip_code(lines):
    """Code spans, which may run over a line's end, become CODE; links their text."""
    joined = plain("\n".join(text for _, text in lines)).split("\n")
    return [(number, text) for (number, _), text in zip(lines, joined, strict=False)]


def plain(text):
    """Text without Markdown: no code, no addresses of links, no emphasis."""

    def keep_lines(found):
        return CODE + "\n" * found.group().count("\n")

    text = re.sub(r"(`+)(?:(?!\1).)+?\1", keep_lines, text, flags=re.DOTALL)
    text = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    text = re.sub(r"\[([^\[\]]*)\](?:\[[^\[\]]*\])?", r"\1", text)
    return re.sub(r"https?://\S+", CODE, re.sub(r"\*\*|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", "", text))

#!/usr/bin/env python3
"""Prints the figures of the house: size, circles, doc lines and tests, a row for each package.

In: the sources below `src/` and `crates/*/src/`. Out: a table; with `--circles` the files of
each circle, with `--names` the types that share a name. Nothing is judged here: the bounds
stand in `tests/architecture/law.rs` and in clippy.
"""

import argparse
import collections
import pathlib
import re
import statistics

import text as prose

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLAUSE = re.compile(r"(?:^|[.!?]\s+)\W*(Who|Whom|Whose|Whoever|What|Whatever|That|As)\b(?![^?.]*\?)")
TYPE = re.compile(r"\b(?:struct|enum|trait|union)\s+([A-Z]\w*)")
ITEM = re.compile(r"\b(?:struct|enum|trait|union|fn|const|static|type|macro_rules!)\s+(?:mut\s+)?(\w+)")
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
INLINE = re.compile(r"(?<![\w:])(?:crate|super|self)(?:::\w+)+")
TEST_MODULE = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+\w+\s*\{")


class Source:
    """One file: its code without comments and strings, cut into product and test."""

    def __init__(self, package, path):
        self.package, self.path = package, path
        self.module = module_of(path.relative_to(package / "src"))
        self.raw = path.read_text(encoding="utf-8")
        code = prose.RUST.sub(blank, self.raw)
        self.is_test = "tests" in self.module or any(part.endswith("_tests") for part in self.module)
        self.code, self.test = ("", code) if self.is_test else without_tests(code)

    @property
    def name(self):
        """The file below the root of the tree."""
        return str(self.path.relative_to(ROOT))


def blank(found):
    """Nothing in place of a comment or a literal, on as many lines."""
    inside = "" if found.lastgroup in ("comment", "long") else '""'
    return inside + "\n" * found.group().count("\n")


def without_tests(code):
    """The code before and after its test modules, and those."""
    tests = ""
    while found := TEST_MODULE.search(code):
        end = closing(code, found.end() - 1)
        tests += code[found.start() : end]
        code = code[: found.start()] + code[end:]
    return code, tests


def closing(code, at):
    """The place behind the brace that closes the one at `at`."""
    depth = 0
    for place in range(at, len(code)):
        depth += {"{": 1, "}": -1}.get(code[place], 0)
        if depth == 0:
            return place + 1
    return len(code)


def module_of(path):
    """`authz/mod.rs` and `authz.rs` are the module `authz`; `lib.rs` is the root."""
    parts = list(path.with_suffix("").parts)
    if parts[-1] in ("mod", "lib", "main"):
        parts.pop()
    return tuple(parts)


def lines(code):
    """How many lines are neither blank nor comment."""
    return sum(1 for line in code.splitlines() if line.strip())


def functions(code):
    """The length of each function, from its first line to its closing brace."""
    for found in re.finditer(r"\bfn\s+(\w+)", code):
        body = re.compile(r"[{;]").search(code, found.end())
        if body and body.group() == "{":
            end = closing(code, body.start())
            yield code.count("\n", found.start(), end) + 1, found.group(1)


def leaves(tree):
    """Every path of a `use` tree, with the name it is known by."""
    tree = tree.strip()
    opening = tree.find("{")
    if opening < 0:
        path, _, alias = tree.partition(" as ")
        parts = [part.strip() for part in path.split("::") if part.strip()]
        if len(parts) > 1 and parts[-1] == "self":
            parts.pop()
        yield parts, alias.strip() or (parts[-1] if parts else "")
        return
    head = [part.strip() for part in tree[:opening].split("::") if part.strip()]
    depth, start = 0, opening + 1
    for place in range(opening, len(tree)):
        depth += {"{": 1, "}": -1}.get(tree[place], 0)
        if (tree[place] == "," and depth == 1) or depth == 0:
            if tree[start:place].strip():
                yield from ((head + parts, name) for parts, name in leaves(tree[start:place]))
            start = place + 1
            if depth == 0:
                return


class Graph:
    """Which file of a package uses which other; names that are passed on lead to their origin."""

    def __init__(self, sources):
        self.files = {source.module: source for source in sources if not source.is_test}
        self.passed_on = collections.defaultdict(dict)
        self.used = collections.defaultdict(list)
        for module, source in self.files.items():
            for use in USE.finditer(source.code):
                for parts, name in leaves(use["tree"]):
                    if use["public"]:
                        self.passed_on[module][name] = parts
                    else:
                        self.used[module].append(parts)
            self.used[module] += [path.split("::") for path in INLINE.findall(USE.sub("", source.code))]

    def resolve(self, module, parts, depth=0):
        """The module that a path leads to, or nothing for another crate's."""
        at, parts = module, list(parts)
        while parts and parts[0] in ("crate", "self", "super"):
            first = parts.pop(0)
            at = () if first == "crate" else at if first == "self" else at[:-1]
        for place, part in enumerate(parts):
            if at + (part,) in self.files:
                at += (part,)
            elif part in self.passed_on[at] and depth < 9:
                return self.resolve(at, self.passed_on[at][part] + parts[place + 1 :], depth + 1)
            else:
                return at if place or at != module or part in ITEM.findall(self.files[at].code) else None
        return at

    def arrows(self):
        """From each file to the files it uses, except those of the modules above it."""
        arrows = {}
        for module, paths in self.used.items():
            ends = {self.resolve(module, parts) for parts in paths}
            arrows[module] = {end for end in ends if end in self.files and not above(end, module)}
        return arrows


def above(upper, module):
    """Is `upper` the module itself, or one that it is part of? Its declarations are free to use."""
    return module[: len(upper)] == upper


def circles(arrows):
    """The groups of two and more nodes that reach each other (Tarjan)."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for end in arrows.get(node, ()):
            if end not in order:
                visit(end)
            if end in stack:
                low[node] = min(low[node], low[end])
        if low[node] == order[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in list(arrows):
        if node not in order:
            visit(node)
    return found


def between_rooms(arrows):
    """The same arrows, from room to room."""
    rooms = collections.defaultdict(set)
    for start, ends in arrows.items():
        rooms[start[:1]] |= {end[:1] for end in ends if end and end[:1] != start[:1]}
    return {room: ends for room, ends in rooms.items() if room}


def inside_rooms(arrows):
    """The circles of files within each room, by room."""
    found = collections.defaultdict(list)
    for room in {start[:1] for start in arrows if start}:
        within = {start: {end for end in ends if end[:1] == room} for start, ends in arrows.items() if start[:1] == room}
        found[room] = circles(within)
    return {room: groups for room, groups in found.items() if groups}


def doc_faults(source):
    """Doc sentences whose subject is a clause, all doc lines, and missing `# Errors` of all fallible."""
    docs = [block for block in prose.rust(source.name, source.raw) if block.kind == "doc"]
    clauses = sum(len(CLAUSE.findall(" ".join(text for _, text in block.lines))) for block in docs)
    return clauses, sum(len(block.lines) for block in docs)


def fallible(source):
    """How many public functions return a `Result`, and how many of them have no `# Errors`."""
    total = missing = 0
    for found in re.finditer(r"((?:^[ \t]*(?:///|#\[).*\n)*)^[ \t]*pub (?:async |const )*fn \w+[^{;]*", source.raw, re.MULTILINE):
        if re.search(r"->\s*(?:\w+::)*\w*Result\b", found.group()):
            total += 1
            missing += "# Errors" not in found.group(1)
    return total, missing


def row(package):
    """The figures of one package, by name."""
    sources = [Source(package, path) for path in sorted((package / "src").rglob("*.rs"))]
    product = [source for source in sources if not source.is_test]
    sizes = [lines(source.code) for source in product]
    longest = max((length, name, source.name) for source in product for length, name in functions(source.code))
    arrows = Graph(sources).arrows()
    docs = [doc_faults(source) for source in sources]
    errors = [fallible(source) for source in product]
    outside = package / "tests"
    tested = sum(lines(source.test) for source in sources) + sum(
        lines(prose.RUST.sub(blank, path.read_text(encoding="utf-8"))) for path in outside.rglob("*.rs")
    )
    names = collections.Counter(name for source in product for name in TYPE.findall(source.code))
    inside = inside_rooms(arrows)
    figures = {
        "files": len(product),
        "lines of code": sum(sizes),
        "median lines of a file": int(statistics.median(sizes)),
        "longest file": max(sizes),
        "longest function": f"{longest[0]} ({longest[1]})",
        "circles between rooms": len(circles(between_rooms(arrows))),
        "files in circles inside a room": sum(len(group) for groups in inside.values() for group in groups),
        "doc lines": sum(total for _, total in docs),
        "doc sentences without a subject first": sum(clauses for clauses, _ in docs),
        "fallible public functions": sum(total for total, _ in errors),
        "of these without # Errors": sum(missing for _, missing in errors),
        "names that two types share": sum(1 for count in names.values() if count > 1),
        "lines of tests": tested,
        "test : code": f"{tested / max(1, sum(sizes)):.2f}",
    }
    return figures, inside, names


def main():
    """Prints the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--circles", action="store_true", help="the files of each circle inside a room")
    options.add_argument("--names", action="store_true", help="the names that two or more types share")
    asked = options.parse_args()
    packages = [ROOT, *sorted(path.parent for path in ROOT.glob("crates/*/src"))]
    rows = {("rownd-authz" if package == ROOT else package.name): row(package) for package in packages}
    print(f"{'':40}" + "".join(f"{name:>26}" for name in rows))
    for figure in next(iter(rows.values()))[0]:
        print(f"{figure:40}" + "".join(f"{figures[figure]!s:>26}" for figures, _, _ in rows.values()))
    for package, (_, inside, names) in rows.items():
        if asked.circles:
            for room, groups in sorted(inside.items()):
                for group in groups:
                    print(f"{package}: {room[0]}: " + " ".join("::".join(module[1:]) or "(mod)" for module in group))
        if asked.names:
            print(f"{package}: " + " ".join(f"{name}({count})" for name, count in names.most_common() if count > 1))


if __name__ == "__main__":
    main()

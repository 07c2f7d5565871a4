#!/usr/bin/env python3
"""Writes what follows from the chart's values.yaml: its README and its JSON Schema.

In: values.yaml (a comment stands right above its key; a line `@schema {...}` adds to what
the default tells), docs/config.schema.json, which becomes the schema of `config`, and
README.md.in. Out: values.schema.json and README.md, in the chart or, with a folder as
argument, there.

It reads the plain block style that values.yaml is written in and nothing more, so it needs
no library: maps by two spaces, scalars, `{}` and `[]`, and blocks that are shown as they stand.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
CHART = HERE / "rownd-authz"
CONFIG_SCHEMA = HERE.parent.parent / "docs" / "config.schema.json"
KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9_]*):(?: (.*))?$")
HINT = "@schema "
# The rule of the program's schema that asks for what a variable of the environment may add.
ADDED_LATER = "a variable of the environment may add it"
# The rules that several values have, by the word that stands behind `@schema`.
RULES = {
    # Numbers and switches become text, which the templates do.
    "labels": {
        "additionalProperties": False,
        "patternProperties": {
            "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$": {
                "type": ["string", "number", "boolean", "null"], "minimum": 0,
                "pattern": "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"},
        },
    },
    "annotations": {
        "additionalProperties": False,
        "patternProperties": {
            "^([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?/)?"
            "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$": {
                "type": ["string", "number", "boolean", "null"]},
        },
    },
    # A name that is a label of DNS, such as that of a namespace.
    "label": {"pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"},
    # The name of an object.
    "name": {"pattern": "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$"},
    # A key of a Secret.
    "key": {"pattern": "^[A-Za-z0-9._-]*$"},
}


class Node:
    """One value: its key, its comment, its default and the values below it."""

    def __init__(self, key, indent, comment, default):
        self.key, self.indent, self.default = key, indent, default
        self.hint = {}
        text = []
        for line in comment:
            if line.startswith(HINT):
                hint = json.loads(line[len(HINT):])
                self.hint = RULES[hint] if isinstance(hint, str) else hint
            else:
                text.append(line)
        self.text = " ".join(text)
        self.children = []
        self.block = []


def scalar(text):
    """A default as JSON; what is no JSON is plain text."""
    if text == "[ALL]":
        return ["ALL"]
    try:
        return json.loads(text)
    except ValueError:
        return text


def parse(text):
    """The tree of values.yaml."""
    root = Node("", -2, [], None)
    stack, comment = [root], []
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare:
            comment = []
            continue
        indent = len(line) - len(line.lstrip())
        while stack[-1].indent >= indent and len(stack) > 1 and not bare.startswith("- "):
            stack.pop()
        if bare.startswith("#"):
            # Within `config` a comment belongs to the block.
            if len(stack) > 1 and stack[1].key == "config" and indent > 0:
                stack[1].block.append(line)
            else:
                comment.append(bare.lstrip("# "))
            continue
        if len(stack) > 1 and stack[1].key == "config" and indent > 0:
            stack[1].block.append(line)
            continue
        if bare.startswith("- "):
            stack[-1].block.append(line)
            continue
        match = KEY.match(line)
        if not match:
            sys.exit(f"values.yaml:{number}: not in the style that generate.py reads: {line}")
        node = Node(match[2], indent, comment, match[3])
        comment = []
        stack[-1].children.append(node)
        stack.append(node)
    return root


def inferred(node):
    """The schema that a default implies."""
    if node.children:
        return closed(node)
    if node.block:
        return {"type": "array"}
    value = node.default
    if value is not None and value.startswith("{") and value != "{}":
        return {"type": "object"}
    value = scalar(value)
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"),
                       (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return {"type": name}
    sys.exit(f"values.yaml: {node.key} has no default")


def closed(node):
    """A map that takes no other keys."""
    properties = {child.key: schema(child) for child in node.children}
    rules = {"type": "object", "additionalProperties": False, "properties": properties}
    # Helm takes a value away that is set to null: the templates need these.
    needed = [child.key for child in node.children if is_needed(child)]
    return {**rules, "required": needed} if needed else rules


def is_needed(node):
    """A value that has to be there; an empty list, map or text may be null as well."""
    if node.key in OPEN or node.key == "config" or node.key == "labels":
        return False
    return bool(node.children) or node.default not in (None, "", "{}", "[]", '""')


# Maps that Kubernetes defines: values.yaml has defaults, not all possible keys.
OPEN = {"resources", "podSecurityContext", "securityContext"}


def schema(node):
    """The schema of one value."""
    if node.key == "config" and node.indent == 0:
        rules = for_helm(json.loads(CONFIG_SCHEMA.read_text()))
        rules.pop("$schema", None)
        rules.pop("title", None)
    elif node.key in OPEN:
        rules = {"type": "object"}
    else:
        rules = inferred(node)
    if node.key == "labels" and node.children:
        rules = {"type": "object"}
    rules.update(node.hint)
    if node.text:
        rules["description"] = node.text
    return rules


def is_added_later(rules):
    """A rule about what the environment of the container may add: `extraEnv` is not judged here."""
    return isinstance(rules, dict) and rules.get("$comment") == ADDED_LATER


def with_named_places(rules):
    """The names of a map as patterns of its properties: of `propertyNames` Helm 4 tells another
    place than the one that is meant."""
    names, of = rules.get("propertyNames"), rules.get("additionalProperties", {})
    if not isinstance(names, dict) or len(names) != 1 or "properties" in rules:
        return rules
    rest = {word: value for word, value in rules.items() if word != "propertyNames"}
    if "pattern" in names:
        return {**rest, "patternProperties": {names["pattern"]: of}, "additionalProperties": False}
    if "enum" in names:
        return {**rest, "properties": {name: of for name in names["enum"]}, "additionalProperties": False}
    return rules


def for_helm(rules):
    """The program's own schema in words that every Helm explains well: a list of constants
    as `enum`, no formats of Rust's integers, and no defaults, which Helm would not apply."""
    if isinstance(rules, list):
        return [for_helm(each) for each in rules if not is_added_later(each)]
    if not isinstance(rules, dict):
        return rules
    target = rules.get("$ref")
    if isinstance(target, str):
        # The definitions stand where `config` stands.
        rules = {**rules, "$ref": target.replace("#/", "#/properties/config/", 1)}
    options = rules.get("oneOf")
    if isinstance(options, list) and all(isinstance(o, dict) and "const" in o for o in options):
        rules = {word: value for word, value in rules.items() if word != "oneOf"}
        rules["enum"] = [option["const"] for option in options]
    rules = with_named_places(rules)
    result = {}
    for word, value in rules.items():
        if word in ("properties", "patternProperties"):
            result[word] = {name: for_helm(each) for name, each in value.items()}
        elif word not in ("default", "format") and not is_added_later(value):
            kept = for_helm(value)
            # A list of which no condition is left says nothing.
            if word != "allOf" or kept:
                result[word] = kept
    return result


def rows(node, path=""):
    """The table of the README: each value, but only the top of what is one value to a reader."""
    for child in node.children:
        name = f"{path}.{child.key}" if path else child.key
        inner = child.children and child.key not in OPEN
        if inner and not child.text and child.key != "config":
            yield from rows(child, name)
            continue
        kind = schema(child)
        label = kind.get("type", "")
        if isinstance(label, list):
            label = " or ".join(label)
        if "enum" in child.hint:
            label = " \\| ".join(f"`{option}`" for option in child.hint["enum"] if option)
        label = {"object": "map", "array": "list", "string": "text", "boolean": "true or false",
                 "integer": "number"}.get(label, label)
        shown = "see values.yaml" if child.children or child.block else f"`{child.default}`"
        text = child.text.replace("|", "\\|")
        yield f"| `{name}` | {label} | {shown} | {text} |"
        if inner and child.key != "config":
            yield from rows(child, name)


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else CHART
    root = parse((CHART / "values.yaml").read_text())
    rules = closed(root)
    # Keys that Helm itself, and a chart that depends on this one, may add.
    rules["properties"]["global"] = {"type": "object"}
    rules["properties"]["enabled"] = {"type": "boolean"}
    whole = {"$schema": "http://json-schema.org/draft-07/schema#",
             "title": "Values of the chart rownd-authz", **rules}
    (out / "values.schema.json").write_text(json.dumps(whole, indent=2) + "\n")
    table = "\n".join(["| value | type | default | |", "|---|---|---|---|", *rows(root)])
    page = (HERE / "README.md.in").read_text().replace("@VALUES@", table)
    (out / "README.md").write_text(page)


main()

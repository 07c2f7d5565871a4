"""The commands and values of docs/install.md, as they stand, one after the other.

In: the page, Helm, and the chart. Out: what every `helm upgrade` of the page renders, without a
cluster. A block `# my-values.yaml` is written, a block `# add to my-values.yaml` is appended, so that
none of its keys may be there already; other first lines say what takes the place of what.
"""

import pathlib
import re
import shlex
import subprocess
import tempfile

import yaml

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.S | re.M)


# The first line of a block says how it gets into the file.
NEW = "# my-values.yaml"
ADD = "# add to my-values.yaml"
REPLACE = re.compile(r"# in my-values\.yaml, in place of `(\w+)`")
UNDER = re.compile(r"# in my-values\.yaml, under `(\w+)`, which may be there already")


def merged(old, new):
    """The map of both, as somebody writes who adds to a map: maps grow, and nothing is written twice."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def written(mine, block):
    """The file after a block, as a reader writes who does what its first line says, and the problems.
    No reader is asked to merge maps of the same name unless that line says so: Helm takes the last of
    two keys without a word."""
    first, values = block.splitlines()[0], yaml.safe_load(block)
    replaced, under = REPLACE.fullmatch(first), UNDER.fullmatch(first)
    told = {(replaced or under)[1]} if replaced or under else set()
    problems = [f"the block `{first}` begins with `{key}`, which an earlier block has"
                for key in values if key in mine and key not in told and first != NEW]
    if told and set(values) != told:
        problems.append(f"the block `{first}` has other keys than {told}")
    for key in values if replaced else ():
        if merged(mine.get(key), values[key]) != values[key]:
            problems.append(f"the block `{first}` leaves out a part of the `{key}` of an earlier block")
    if first == NEW:
        return values, problems
    return (merged(mine, values) if under else {**mine, **values}), problems


def steps(text):
    """The blocks of a page: `values` with the text of one, or `line` with a command, in order."""
    for indent, language, block in BLOCK.findall(text):
        block = re.sub(f"^{indent}", "", block, flags=re.M)
        first = block.partition("\n")[0]
        if language == "yaml" and (first in (NEW, ADD) or REPLACE.fullmatch(first) or UNDER.fullmatch(first)):
            yield "values", block
        elif not language:
            for line in block.replace("\\\n", " ").splitlines():
                yield "line", line


def follow(page, root, program):
    """Follows the page in a folder with `deploy/` in it. Yields each `helm upgrade` with its values,
    what it rendered and said, and the problems of the blocks before it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "deploy").symlink_to(root / "deploy")
        mine, problems = {}, []
        for kind, content in steps(page.read_text()):
            if kind == "line":
                line = content.partition("helm upgrade --install ")
                if line[1] and not line[0].strip():
                    done = subprocess.run([program, "template", *shlex.split(line[2])], cwd=folder,
                                          capture_output=True, text=True)
                    yield content.strip(), mine, done, problems
                    problems = []
                continue
            mine, found = written(mine, content)
            problems += found
            (folder / "my-values.yaml").write_text(yaml.safe_dump(mine))


def commands(page):
    """All other commands of the page."""
    return [content for kind, content in steps(page.read_text()) if kind == "line" and content.strip()]

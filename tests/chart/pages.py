"""The commands and values of docs/install.md, as they stand, one after the other.

In: the page, Helm, and the chart. Out: what every `helm upgrade` of the page renders, without a
cluster. A block `# my-values.yaml` is written, a block `# add to my-values.yaml` is merged into
what is written, as a reader would.
"""

import pathlib
import re
import shlex
import subprocess
import tempfile

import yaml

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.S | re.M)


def merged(old, new):
    """What somebody writes who adds to a file: maps grow, everything else is replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def steps(text):
    """The blocks of a page: `values` with a map, or `line` with a command, in order."""
    for indent, language, block in BLOCK.findall(text):
        block = re.sub(f"^{indent}", "", block, flags=re.M)
        if language == "yaml" and block.startswith("# my-values.yaml\n"):
            yield "new values", yaml.safe_load(block)
        elif language == "yaml" and block.startswith("# add to my-values.yaml\n"):
            yield "values", yaml.safe_load(block)
        elif not language:
            for line in block.replace("\\\n", " ").splitlines():
                yield "line", line


def follow(page, root, program):
    """Follows the page in a folder with `deploy/` in it. Yields each `helm upgrade` with its values,
    what it rendered, and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "deploy").symlink_to(root / "deploy")
        mine = {}
        for kind, content in steps(page.read_text()):
            if kind == "line":
                line = content.partition("helm upgrade --install ")
                if line[1] and not line[0].strip():
                    done = subprocess.run([program, "template", *shlex.split(line[2])], cwd=folder,
                                          capture_output=True, text=True)
                    yield content.strip(), mine, done
                continue
            mine = content if kind == "new values" else merged(mine, content)
            (folder / "my-values.yaml").write_text(yaml.safe_dump(mine))


def commands(page):
    """All other commands of the page."""
    return [content for kind, content in steps(page.read_text()) if kind == "line" and content.strip()]

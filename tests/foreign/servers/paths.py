"""Reads paths as JSON from standard input; for each, writes the ways in which Python's URL parsers
read it, and what posixpath makes of that."""

import json
import posixpath
import sys
from urllib.parse import unquote, urljoin, urlparse, urlsplit


def readings(path):
    readers = {
        "urlsplit": lambda: urlsplit(path).path,
        "urlparse": lambda: urlparse(path).path,
        "urljoin": lambda: urlsplit(urljoin("http://h/", path)).path,
        "cut at ?": lambda: path.split("?")[0],
    }
    for name, read in readers.items():
        try:
            text = read()
        except ValueError:
            continue
        plain = unquote(text)
        yield name, [text, plain, posixpath.normpath(text), posixpath.normpath(plain)]


for path in json.load(sys.stdin):
    print(json.dumps(dict(readings(path))))

"""Asks real servers what variable a header's name becomes, for every separator.

In: nothing; with names as arguments, only those servers. Out: one line of JSON for each server
that is installed, `{"server": ..., "version": ..., "read": {"~": "HTTP_X_ROWND_USER_ID", ...}}`,
with null for a header that the server refused or dropped. A service that speaks CGI, FastCGI,
WSGI or Rack sees variables, not headers: two spellings that become one variable are one header
to it.

Each server runs in a folder of its own, on loopback, on a free port, and ends with this program.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import wsgiref.simple_server

# Every byte of a header's name that is no letter or digit (RFC 9110, section 5.6.2).
SEPARATORS = "!#$%&'*+-.^_`|~"
MARK = "spelled-by-a-client"
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def program(name):
    return shutil.which(name, path=PATH)


def version(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else "unknown"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, separator):
    """The variable that holds the mark, of one request with one header."""
    name = "x-rownd-user-id".replace("-", separator)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET /names HTTP/1.1\r\nhost: names.test\r\n{name}: {MARK}\r\n"
                           "connection: close\r\n\r\n".encode())
        answer = b""
        while more := connection.recv(65536):
            answer += more
    held = re.findall(rb"([^\s=]+)=" + MARK.encode(), answer)
    return held[0].decode() if held else None


def until_open(port, running):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if running is not None and running.poll() is not None:
            sys.exit(f"{running.args} ended with {running.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


# --- what stands behind a server --------------------------------------------------------------

def told(variables):
    """The answer of what stands behind: a line for each variable."""
    return "".join(f"{name}={value}\n" for name, value in sorted(variables.items())
                   if isinstance(value, str)).encode()


class FastCgi(threading.Thread):
    """A FastCGI responder (the protocol's version 1) that answers with its parameters."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        stream = connection.makefile("rb")
        parameters = b""
        with connection:
            while head := stream.read(8):
                kind, length, padding = head[1], int.from_bytes(head[4:6], "big"), head[6]
                content = stream.read(length)
                stream.read(padding)
                if kind == 4:
                    parameters += content
                # The end of the request's body.
                if kind == 5 and not length:
                    body = b"content-type: text/plain\r\n\r\n" + told(FastCgi.parsed(parameters))
                    record = lambda kind, text: bytes([1, kind]) + head[2:4] + len(text).to_bytes(2, "big") + b"\0\0" + text
                    connection.sendall(record(6, body) + record(6, b"") + record(3, bytes(8)))
                    return

    @staticmethod
    def parsed(text):
        found, at = {}, 0
        while at < len(text):
            lengths = []
            for _ in range(2):
                if text[at] < 128:
                    lengths.append(text[at])
                    at += 1
                else:
                    lengths.append(int.from_bytes(text[at:at + 4], "big") & 0x7FFFFFFF)
                    at += 4
            name, value = text[at:at + lengths[0]], text[at + lengths[0]:at + sum(lengths)]
            found[name.decode(errors="replace")] = value.decode(errors="replace")
            at += sum(lengths)
        return found


# --- the servers ------------------------------------------------------------------------------

def lighttpd(folder, port, modules, rest):
    file = folder / "lighttpd.conf"
    file.write_text(f"""
server.modules = ({modules})
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.errorlog = "{folder}/error.log"
{rest}
""")
    return [program("lighttpd"), "-D", "-f", str(file)]


def lighttpd_cgi(folder, port):
    script = folder / "names"
    script.write_text("#!/bin/sh\nprintf 'content-type: text/plain\\r\\n\\r\\n'\nexec env\n")
    script.chmod(0o755)
    return lighttpd(folder, port, '"mod_cgi"', 'cgi.assign = ("names" => "")')


def lighttpd_fastcgi(folder, port):
    behind = f'"host" => "127.0.0.1", "port" => {FastCgi().port}, "check-local" => "disable"'
    return lighttpd(folder, port, '"mod_fastcgi"', f'fastcgi.server = ("/" => (({behind})))')


def nginx(folder, port, more="", behind=None, parameters=""):
    file = folder / "nginx.conf"
    file.write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port}; {more}
        location / {{ fastcgi_pass 127.0.0.1:{behind or FastCgi().port}; {parameters} }}
    }}
}}
""")
    return [program("nginx"), "-p", str(folder), "-c", str(file), "-e", f"{folder}/error.log"]


LENIENT = "ignore_invalid_headers off; underscores_in_headers on;"


def nginx_lenient(folder, port):
    return nginx(folder, port, LENIENT)


def php_page(folder):
    page = folder / "index.php"
    page.write_text('<?php foreach ($_SERVER as $name => $value) if (is_string($value)) echo "$name=$value\\n";')
    return page


def php(folder, port):
    return [program("php"), "-S", f"127.0.0.1:{port}", "-t", str(folder), str(php_page(folder))]


def php_fastcgi(folder, port):
    behind = free_port()
    until_open(behind, start([program("php-cgi"), "-b", f"127.0.0.1:{behind}"], folder))
    return nginx(folder, port, LENIENT, behind, f"fastcgi_param SCRIPT_FILENAME {php_page(folder)}; "
                 "fastcgi_param REQUEST_METHOD GET; fastcgi_param REDIRECT_STATUS 200;")


RACK = 'run lambda { |env| [200, {"content-type" => "text/plain"}, env.map { |n, v| "#{n}=#{v}\\n" if v.is_a?(String) }.compact] }\n'


def puma(folder, port):
    (folder / "config.ru").write_text(RACK)
    return [program("puma"), "-b", f"tcp://127.0.0.1:{port}", "-t", "1:1", "--dir", str(folder), str(folder / "config.ru")]


def webrick(folder, port):
    (folder / "serve.rb").write_text(f"""
require "webrick"
server = WEBrick::HTTPServer.new(Port: {port}, BindAddress: "127.0.0.1", AccessLog: [], Logger: WEBrick::Log.new(nil, 0))
server.mount_proc("/") {{ |request, answer| answer.body = request.meta_vars.map {{ |n, v| "#{{n}}=#{{v}}\\n" }}.join }}
server.start
""")
    return [program("ruby"), str(folder / "serve.rb")]


def wsgiref_server(port):
    def application(environment, start):
        start("200 OK", [("content-type", "text/plain")])
        return [told(environment)]

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    server = wsgiref.simple_server.make_server("127.0.0.1", port, application, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()


# Name, the program it needs, its command, the command that tells its version.
SERVERS = [
    ("lighttpd, CGI", "lighttpd", lighttpd_cgi, "-v"),
    ("lighttpd, FastCGI", "lighttpd", lighttpd_fastcgi, "-v"),
    ("nginx, FastCGI", "nginx", nginx, "-v"),
    ("nginx, FastCGI, lenient", "nginx", nginx_lenient, "-v"),
    ("PHP, built-in", "php", php, "--version"),
    ("PHP, FastCGI behind a lenient nginx", "php-cgi", php_fastcgi, "--version"),
    ("Rack, Puma", "puma", puma, "--version"),
    ("WEBrick", "ruby", webrick, "--version"),
]


RUNNING = []


def start(command, folder):
    """A program in a group of its own, which `end` ends."""
    with open(folder / "log", "ab") as log:
        RUNNING.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True))
    return RUNNING[-1]


def end():
    while RUNNING:
        each = RUNNING.pop()
        try:
            os.killpg(each.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        each.wait()


def run(name, needed, command, flag):
    if not program(needed):
        return
    with tempfile.TemporaryDirectory(prefix="names-") as folder:
        port, folder = free_port(), pathlib.Path(folder)
        try:
            until_open(port, start(command(folder, port), folder))
            read = {separator: ask(port, separator) for separator in SEPARATORS}
        finally:
            end()
    tell(name, version(program(needed), flag), read)


def tell(name, release, read):
    print(json.dumps({"server": name, "version": release, "read": read}), flush=True)


def main():
    only = sys.argv[1:]
    for name, *rest in SERVERS:
        if not only or name in only:
            run(name, *rest)
    if not only or "WSGI, wsgiref" in only:
        port = free_port()
        wsgiref_server(port)
        until_open(port, None)
        tell("WSGI, wsgiref", "%d.%d" % sys.version_info[:2],
             {separator: ask(port, separator) for separator in SEPARATORS})


main()

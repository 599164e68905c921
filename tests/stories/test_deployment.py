"""The deployment page, tried: its proxies in front of a server with https, its services' commands, its backup."""

import configparser
import contextlib
import json
import random
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_certificate
from outside import BIN, Machine, eventually, need, start_server

pytestmark = pytest.mark.story

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def free_port() -> int:
    """Choose a port for what cannot choose its own: below those from which the system gives others one meanwhile."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def caddy(folder: Path, port: int, inner: int, cert: Path, key: Path) -> list[str]:
    (text,) = blocks("caddyfile")
    site = text.replace("runs.example.org {", f"https://localhost:{port} {{\n    tls {cert} {key}").replace(
        "127.0.0.1:8080", f"127.0.0.1:{inner}"
    )
    (folder / "Caddyfile").write_text("{\n    admin off\n    auto_https off\n}\n" + site)
    return [need("caddy", "caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(folder: Path, port: int, inner: int, cert: Path, key: Path) -> list[str]:
    (text,) = blocks("nginx")
    for there, here in {
        "127.0.0.1:8080": f"127.0.0.1:{inner}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server_name runs.example.org": "server_name localhost",
        "/etc/ssl/runs.example.org.pem": str(cert),
        "/etc/ssl/runs.example.org.key": str(key),
        # On the page the port is https's own, which names of hosts leave out.
        "Host $host;": "Host $http_host;",
    }.items():
        assert there in text
        text = text.replace(there, here)
    kept = "".join(
        f"{name} {folder}/{name};\n"
        for name in ("client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path")
    )
    own = f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
    (folder / "nginx.conf").write_text(f"{own}http {{\naccess_log off;\n{kept}{text}}}\n")
    return [need("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


PROXIES = {"caddy": caddy, "nginx": nginx}


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env={"HOME": str(log.parent), "PATH": "/usr/sbin:/usr/bin:/bin"})

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    try:
        eventually(answers)
        yield
    finally:
        # Not asked to end: Caddy would wait for connections that clients keep open.
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", PROXIES)
def test_behind_its_proxy_everything_works(name: str, machine: Machine, tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)
    port, inner = free_port(), free_port()
    url = f"https://localhost:{port}"
    command = PROXIES[name](tmp_path, port, inner, cert, key)
    words = ("--listen", f"127.0.0.1:{inner}", "--public-url", url, "--trusted-proxy", "127.0.0.1")
    server = start_server(tmp_path / "data", *words)
    try:
        with running(command, port, tmp_path / "proxy.log"):
            secret = server.key("mira")
            trusting = {"SSL_CERT_FILE": str(cert), "REQUESTS_CA_BUNDLE": str(cert), "SSL_CERT_DIR": ""}
            done = machine.run(str(BIN / "runkey"), "login", "--host", url, "--key-stdin", stdin=secret, **trusting)
            assert done.returncode == 0, done.stderr
            (machine.home / "big.bin").write_bytes(bytes(20_000_000))
            done = machine.python(
                "import runkey\n"
                "run = runkey.init(project='p', id='r')\n"
                "for i in range(200): run.log({'loss': 1 / (i + 1)})\n"
                "run.save('big.bin')\n"
                "run.finish()\n",
                **trusting,
            )
            assert done.returncode == 0, done.stderr
            assert "200 rows are on the server" in done.stderr
            _check_pages_and_events(url, cert, secret)
            _check_a_held_login(url, cert)
        log = server.log.read_text()
        assert "127.0.0.1 POST /files/mira/p/r/file_stream 200" in log
    finally:
        assert server.stop() == 0


def _check_pages_and_events(url: str, cert: Path, secret: str) -> None:
    context = ssl.create_default_context(cafile=str(cert))

    def ask(path: str, body: object = None) -> "urllib.request._UrlopenRet":
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(url + path, data, headers), context=context, timeout=20)

    with ask("/signin") as page:
        assert page.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "__Host-runkey-form=" in page.headers["Set-Cookie"]
    with ask("/mira/p/runs/r/files") as told:
        assert {file["name"]: file["bytes"] for file in json.load(told)["files"]}["big.bin"] == 20_000_000
    with ask("/mira/p/live") as events:
        assert events.readline() == b"retry: 2000\n", "the first word comes at once: nothing gathers it"
        row = json.dumps({"_step": 0, "loss": 1.0})
        query = 'mutation { upsertBucket(input: {name: "living", modelName: "p"}) { inserted } }'
        ask("/graphql", {"query": query}).close()
        ask("/files/mira/p/living/file_stream", {"files": {"wandb-history.jsonl": {"offset": 0, "content": [row]}}}).close()
        line = b""
        while b"living" not in line:
            line = events.readline()
            assert line, "the stream ended"


def _check_a_held_login(url: str, cert: Path) -> None:
    """A token request is held for as long as it asks for, here three seconds, and answered as it is meant."""
    context = ssl.create_default_context(cafile=str(cert))

    def post(path: str, body: str, **headers: str) -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(urllib.request.Request(url + path, body.encode(), headers), context=context, timeout=40) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    _, device = post("/oauth/device_authorization", "client_id=runkey&scope=runs")
    grant = "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=runkey"
    began = time.monotonic()
    status, told = post("/oauth/token", f"{grant}&device_code={device['device_code']}", Prefer="wait=3")
    assert (status, told["error"]) == (400, "authorization_pending")
    assert time.monotonic() - began > 2
    longest = [int(seconds) for seconds in re.findall(r"(?:read_timeout|response_header_timeout) (\d+)s", PAGE)]
    assert len(longest) == 2
    assert min(longest) > 25


def test_its_services_begin_what_they_say(tmp_path: Path) -> None:
    units = [configparser.ConfigParser(strict=False, interpolation=None) for _ in blocks("ini")]
    for unit, text in zip(units, blocks("ini"), strict=True):
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
    serve, backup, timer = units
    assert timer["Timer"]["OnCalendar"]
    for unit in (serve, backup):
        assert unit["Service"]["User"] == "runkey"
    port = free_port()
    here = {
        "/opt/runkey/bin": str(BIN),
        "/var/lib/runkey": str(tmp_path / "data"),
        "/var/backups/runkey": str(tmp_path / "copy"),
        ":8080": f":{port}",
    }

    def command(unit: configparser.ConfigParser) -> list[str]:
        line = unit["Service"]["ExecStart"]
        for there, to in here.items():
            line = line.replace(there, to)
        return shlex.split(line)

    process = subprocess.Popen(command(serve), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:

        def is_ready() -> bool:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
            return False

        eventually(is_ready, 30)
        assert subprocess.run(command(backup), capture_output=True).returncode == 0
        assert (tmp_path / "copy" / "manifest.json").is_file()
    finally:
        process.terminate()
        assert process.wait(timeout=float(serve["Service"]["TimeoutStopSec"])) == 0
    analyse = shutil.which("systemd-analyze")
    if analyse is not None:
        unit = tmp_path / "runkey-server.service"
        unit.write_text(blocks("ini")[0].replace("/opt/runkey/bin/runkey-server", "/bin/true"))
        done = subprocess.run([analyse, "verify", str(unit)], capture_output=True, text=True)
        assert done.stderr == ""

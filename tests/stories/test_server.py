"""An operator's day: first start, accounts, keys, a second server, workers, the end."""

import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import pytest
from outside import BIN, Server, eventually, start_server
from surfing import Surfer

pytestmark = pytest.mark.story

VIEWER = {"query": "{ viewer { username } }"}


def test_first_start_prints_a_link_once_there_is_no_administrator(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    assert server.first_link is not None
    assert server.first_link.startswith(server.url + "/setup#")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert server.get("/healthz")[0] == server.get("/readyz")[0] == server.get("/ready")[0] == 200
    server.operate("user", "create", "root", "--admin")
    assert server.stop() == 0
    again = start_server(tmp_path / "data")
    assert again.first_link is None
    assert again.stop() == 0


def test_a_second_server_on_the_folder_is_refused_with_a_sentence(server: Server) -> None:
    second = subprocess.run(
        [str(BIN / "runkey-server"), "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 4
    assert f"Another server is serving {server.data} already, at {server.url}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_refused_with_a_sentence(server: Server, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    second = subprocess.run(
        [str(BIN / "runkey-server"), "serve", "--data", str(tmp_path / "other"), "--listen", f"127.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert second.returncode == 4
    assert f"Cannot listen on 127.0.0.1:{port}" in second.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--listen", "nonsense"], "is not HOST:PORT"),
        (["--listen", "0.0.0.0:0"], "needs --public-url"),
        (["--public-url", "ftp://x"], "is not an address"),
        (["--public-url", "https://x.org/sub"], "has a path"),
        (["--tls-cert", "/x"], "go together"),
        (["--trusted-proxy", "proxy.example"], "is not an IP address"),
        (["--workers", "0"], "at least 1"),
    ],
)
def test_bad_settings_get_a_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    done = subprocess.run(
        [str(BIN / "runkey-server"), "serve", "--data", str(tmp_path / "d"), *words], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_accounts_and_keys_beside_a_running_server(server: Server) -> None:
    made = server.operate("user", "create", "Nora", "--email", "nora@example.org")
    assert f"{server.url}/welcome#" in made
    assert "is taken" in server.operate("user", "create", "nora", status=4)
    assert "is no account name" in server.operate("user", "create", "no ra", status=2)
    key = server.key("nora")
    assert server.post("/graphql", VIEWER, key) == (200, b'{"data":{"viewer":{"username":"nora"}}}')
    listed = json.loads(server.operate("key", "list", "--user", "nora", "--json"))["keys"]
    assert [(entry["user"], entry["state"], entry["name"]) for entry in listed] == [("nora", "active", f"rku_…{key[-4:]}")]
    assert key not in server.operate("key", "list")
    server.operate("user", "disable", "nora")
    eventually(lambda: server.post("/graphql", VIEWER, key)[0] == 401, 1.0)
    server.operate("user", "enable", "nora")
    eventually(lambda: server.post("/graphql", VIEWER, key)[0] == 200, 2.0)
    server.operate("key", "revoke", listed[0]["id"])
    eventually(lambda: server.post("/graphql", VIEWER, key)[0] == 401, 1.0)
    server.operate("user", "delete", "nora", "--yes")
    assert "nora" not in server.operate("user", "list")
    assert "There is no account" in server.operate("key", "create", "--user", "nora", status=4)


def test_a_key_issued_elsewhere_is_taken_in_by_standard_input(server: Server) -> None:
    server.operate("user", "create", "mover")
    old = "0123456789abcdef0123456789abcdef01234567"
    done = server.operate("key", "import", "--user", "mover", "--description", "old jobs", stdin=old + "\n")
    assert old not in done
    assert server.post("/graphql", VIEWER, old) == (200, b'{"data":{"viewer":{"username":"mover"}}}')
    assert "cut short" in server.operate("key", "import", "--user", "mover", stdin=old[:-1], status=2)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    done = subprocess.run([str(BIN / "runkey-server"), "key", "list", "--data", str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "is no server's folder yet" in done.stderr


@pytest.mark.holds("ASVS 7.4.1")
def test_every_worker_refuses_a_revoked_key(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--workers", "4")
    try:
        key = server.key("mira")
        key_id = json.loads(server.operate("key", "list", "--json"))["keys"][0]["id"]
        # New connections reach all workers by chance: many of them, before and after.
        assert {server.post("/graphql", VIEWER, key)[0] for _ in range(60)} == {200}
        server.operate("key", "revoke", key_id)
        # Within a second, where the machine is not overloaded: `./dev bench revocation` tells the figure.
        eventually(lambda: {server.post("/graphql", VIEWER, key)[0] for _ in range(60)} == {401})
        # A browser's session is over with the answer to signing out.
        ana = Surfer(server).sign_up("ana")
        kept = dict(ana.cookies)
        assert {ana.get("/").status for _ in range(20)} == {200}
        assert ana.post("/signout", at="/").status == 303
        ana.cookies = kept
        assert {ana.get("/").location for _ in range(40)} == {"/signin?next=%2F"}
    finally:
        assert server.stop() == 0


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    try:
        worker = int(subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], text=True).split()[0])
        os.kill(worker, signal.SIGKILL)

        def answers() -> bool:
            try:
                return server.get("/readyz")[0] == 200
            except OSError:
                return False

        eventually(answers, 10.0)
    finally:
        assert server.stop() == 0


def test_sigterm_finishes_what_is_under_way_and_ends_with_0_within_5_seconds(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data")
    key = server.key("mira")
    server.post("/graphql", {"query": 'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }'}, key)
    body = json.dumps({"files": {"wandb-history.jsonl": {"offset": 0, "content": ['{"_step":0,"x":1}']}}}).encode()
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.putrequest("POST", "/files/mira/p/r/file_stream")
    connection.putheader("Authorization", f"Bearer {key}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])
    time.sleep(0.3)
    finisher = threading.Timer(0.5, lambda: connection.send(body[10:]))
    finisher.start()
    began = time.monotonic()
    code = server.stop()
    assert code == 0
    assert time.monotonic() - began < 5
    answer = connection.getresponse()
    assert answer.status == 200
    connection.close()
    again = start_server(tmp_path / "data")
    query = '{ project(name: "p") { run(name: "r") { historyLineCount } } }'
    assert b'"historyLineCount":1' in again.post("/graphql", {"query": query}, key)[1]
    assert again.stop() == 0


def test_sigterm_lets_held_requests_go_at_once(tmp_path: Path) -> None:
    """A machine that waits for a click is told that nobody has decided, and the worker ends by itself, its database closed."""
    server = start_server(tmp_path / "data")
    place = server.url.removeprefix("http://")
    asking = http.client.HTTPConnection(place, timeout=20)
    asking.request("POST", "/oauth/device_authorization", "client_id=runkey", {"Content-Type": "application/x-www-form-urlencoded"})
    device_code = json.loads(asking.getresponse().read())["device_code"]
    asking.close()
    held = http.client.HTTPConnection(place, timeout=20)
    form = urllib.parse.urlencode(
        {"client_id": "runkey", "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device_code}
    )
    held.request("POST", "/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded", "Prefer": "wait=25"})
    time.sleep(0.5)
    assert server.stop() == 0
    answer = held.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]) == (400, "authorization_pending")
    held.close()
    # A worker that had to be killed leaves it behind.
    assert not (server.data / "runkey.db-wal").exists()


def test_a_foreign_host_is_misdirected(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    for name, status in (("evil.example", 421), (f"localhost:{port}", 400), (f"127.0.0.1:{port}", 400), ("", 421)):
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.putrequest("POST", "/graphql", skip_host=True)
        connection.putheader("Host", name)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        assert connection.getresponse().status == status, name
        connection.close()


def test_raw_junk_does_no_harm(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    for junk in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"POST /graphql HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"\r\n" * 50):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(junk)
            connection.settimeout(2)
            try:
                answer = connection.recv(1000)
            except OSError:
                answer = b""
            assert b" 500 " not in answer
    assert server.get("/healthz")[0] == 200


@pytest.mark.holds("ASVS 14.2.1")
def test_no_secret_is_in_the_log_or_the_folder(server: Server) -> None:
    import base64

    key = server.key("mira")
    made = server.post("/graphql", {"query": "mutation { createApiKey(input: {}) { secret } }"}, key)
    secret = json.loads(made[1])["data"]["createApiKey"]["secret"]
    server.get(f"/?key={secret}", secret)
    server.get("/storage/" + "x" * 80)
    time.sleep(0.3)
    forms = [form for s in (key, secret) for form in (s.encode(), base64.b64encode(f"api:{s}".encode()))]
    for path in [server.log, *(p for p in server.data.rglob("*") if p.is_file())]:
        content = path.read_bytes()
        assert not any(form in content for form in forms), path
    assert b"/storage/\xe2\x80\xa6" in server.log.read_bytes()

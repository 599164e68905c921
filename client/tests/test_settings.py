import pytest

from runkey.errors import UsageError
from runkey.settings import Environment, Settings, host_name, is_loopback, is_plain_http_elsewhere, normalise_host


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("https://track.example.org", "https://track.example.org"),
        ("https://track.example.org/", "https://track.example.org"),
        ("HTTPS://Track.Example.ORG:443/", "https://track.example.org"),
        ("track.example.org", "https://track.example.org"),
        ("track.example.org:8443", "https://track.example.org:8443"),
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("[::1]:9000", "http://[::1]:9000"),
        ("http://lab-server:8080", "http://lab-server:8080"),
        ("http://lab-server:80", "http://lab-server"),
        ("  https://x.org \n", "https://x.org"),
    ],
)
def test_hosts_are_normalised(typed: str, host: str) -> None:
    assert normalise_host(typed) == host
    assert normalise_host(host) == host


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "https://",
        "ftp://x.org",
        "https://x.org/path",
        "https://x.org?a=b",
        "https://user:secret@x.org",
        "x y",
        "https://x:port",
        "x:99999",
        "//",
    ],
)
def test_what_is_no_host_is_named_without_a_password_in_it(typed: str) -> None:
    with pytest.raises(UsageError) as refusal:
        normalise_host(typed)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(("host", "name", "loopback"), [("http://[::1]:9", "::1", True), ("https://X.org".lower(), "x.org", False)])
def test_host_name(host: str, name: str, loopback: bool) -> None:
    assert host_name(host) == name
    assert is_loopback(host) is loopback
    assert is_plain_http_elsewhere("http://x.org")
    assert not is_plain_http_elsewhere("http://127.0.0.1")


def test_arguments_win_over_the_environment() -> None:
    environment = Environment({"RUNKEY_HOST": "env.example", "WANDB_BASE_URL": "https://twin.example"})
    assert Settings(environment, host="arg.example").host == "https://arg.example"
    assert Settings(environment).host == "https://env.example"
    assert Settings(Environment({"WANDB_BASE_URL": "https://twin.example"})).host == "https://twin.example"
    assert Settings(Environment({})).host is None


@pytest.mark.parametrize(
    ("word", "means"), [("must", "must"), ("allow", "allow"), ("never", "never"), ("true", "allow"), ("false", "never"), (None, None)]
)
def test_anonymous(word: str | None, means: str | None) -> None:
    assert Settings(Environment({}), anonymous=word).anonymous == means


def test_a_wrong_word_names_the_three_and_is_not_echoed() -> None:
    with pytest.raises(UsageError, match='"must", "allow" and "never"') as refusal:
        Settings(Environment({}), anonymous="0123456789abcdef")
    assert "0123456789" not in str(refusal.value)


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({}, "online"),
        ({"RUNKEY_MODE": "Offline"}, "offline"),
        ({"WANDB_MODE": "dryrun"}, "offline"),
        ({"RUNKEY_MODE": "disabled", "WANDB_MODE": "online"}, "disabled"),
    ],
)
def test_mode(variables: dict[str, str], mode: str) -> None:
    assert Environment(variables).mode == mode


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(UsageError, match="none of online, offline, disabled"):
        _ = Environment({"RUNKEY_MODE": "sometimes"}).mode


@pytest.mark.parametrize("timeout", [0, -1.0])
def test_timeout_is_above_zero(timeout: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        Settings(Environment({}), timeout=timeout)


def test_config_folder_follows_the_systems_habits() -> None:
    assert Environment({"HOME": "/h"}).config_folder == "/h/.config/runkey"
    assert Environment({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}).config_folder == "/x/runkey"
    assert Environment({"HOME": "/h", "RUNKEY_CONFIG_DIR": "/r"}).config_folder == "/r"

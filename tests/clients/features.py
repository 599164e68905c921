"""What of the official client is tried, in parts, and what is known not to work, with the reason.

A reason that no longer holds is as much a fault as a failure without one: the report card says what is so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One row of the report card. parts: the parts that each script tells of. since, before: the versions it is tried with."""

    name: str
    group: str
    parts: Mapping[str, tuple[str, ...]]
    since: str = "0"
    before: str = "99"


def _logged(name: str) -> Feature:
    return Feature(name, "Media", {"writing": ("log",), "reading": ("read back",)})


def _of_artifacts(name: str, *parts: str) -> Feature:
    return Feature(name, "Artifacts", {"artifacts": parts or ("",)})


_READ = {"reading": ("",)}

FEATURES = (
    Feature("login, good key", "Logging in", {"logins": ("login", "kept for the next process")}),
    Feature("login, bad key", "Logging in", {"logins": ("by wandb.login", "by wandb.init")}),
    Feature("anonymous", "Logging in", {"anonymous": ("",)}),
    Feature("init and finish", "Runs", {"writing": ("init", "finish"), "reading": ("read back",)}),
    Feature("metrics", "Runs", _READ),
    Feature("NaN and infinities", "Runs", _READ),
    Feature("config", "Runs", _READ),
    Feature("summary", "Runs", _READ),
    Feature("define_metric", "Runs", _READ),
    Feature("tags, notes, group", "Runs", _READ),
    Feature("console", "Runs", _READ),
    Feature("system metrics", "Runs", _READ),
    Feature("files", "Runs", {"writing": ("save",), "reading": ("download",)}),
    Feature("code saving", "Runs", _READ),
    Feature("resume", "Runs", {"going_on": ("goes on", "allow begins a new one", "never refuses what is there")}),
    Feature("offline, wandb sync", "Runs", {"going_on": ("offline", "sync", "again")}),
    Feature("alert", "Runs", {"writing": ("",)}),
    Feature("stop button", "Runs", {"stopping": ("",)}),
    _logged("image"),
    _logged("table"),
    _logged("html"),
    _logged("audio"),
    _logged("video"),
    _logged("histogram"),
    _logged("custom chart"),
    _of_artifacts("artifacts: log"),
    _of_artifacts("artifacts: versions"),
    _of_artifacts("artifacts: the same again"),
    _of_artifacts("artifacts: references"),
    # From how many bytes on a file is sent in parts can be said to clients in Python alone; to others it is 2 GiB.
    Feature("artifacts: in parts", "Artifacts", {"artifacts": ("",)}, since="0.15", before="0.18"),
    _of_artifacts("artifacts: tables"),
    _of_artifacts("artifacts: of a logged table"),
    _of_artifacts("artifacts: log_code"),
    _of_artifacts("artifacts: list versions"),
    _of_artifacts("artifacts: use and download", "use", "download", "one file"),
    _of_artifacts("artifacts: of another project"),
    _of_artifacts("artifacts: aliases"),
    _of_artifacts("artifacts: link"),
    _of_artifacts("artifacts: lineage"),
    _of_artifacts("artifacts: delete"),
    Feature("Api: runs", "The Api", _READ),
    Feature("Api: filters", "The Api", _READ),
    Feature("Api: history", "The Api", _READ),
    Feature("Api: scan_history", "The Api", _READ),
    Feature("Api: files", "The Api", {"reading": ("list", "upload")}),
    Feature("Api: update", "The Api", _READ),
    Feature("sweeps", "Others", {"sweeping": ("",)}),
    Feature(
        "wandb verify",
        "Others",
        {
            "verifying": (
                "if logged in",
                "signed URL upload",
                "ability to send large payloads through proxy",
                "requests to base url",
                "requests made over signed URLs",
                "CORs configuration of the bucket",
                "wandb package version is up to date",
                "logged metrics, saving and downloading a file",
                "artifact save and download workflows",
                "sweep creation and agent execution",
            )
        },
        since="0.31.0",
    ),
)

IN_EVERY_SUITE = (
    *("login, good key", "init and finish", "metrics", "NaN and infinities", "config", "summary", "console", "files"),
    *("image", "table", "Api: runs", "Api: history", "Api: scan_history", "artifacts: log", "artifacts: use and download"),
)
"""What is tried with the oldest, a middle and the newest version whenever all tests are run.

Without the bad key: the oldest tries it again for half a minute.
"""


@dataclass(frozen=True)
class Limit:
    """Something known not to work. parts: of the feature, () for all of it. since, before: the versions that it holds for."""

    feature: str
    why: str
    parts: tuple[str, ...] = ()
    since: str = "0"
    before: str = "99"


_NO_SWEEPS = "There are no sweeps on this server yet."

LIMITS = (
    Limit(
        "login, good key",
        "These versions keep the key under host and port, and look for it under the host alone: where the address has a port, "
        "`WANDB_API_KEY` has to be set.",
        ("kept for the next process",),
        "0.19",
        "0.24",
    ),
    Limit(
        "login, bad key",
        "`wandb.login` of these versions asks no server; `wandb.init` does, and refuses.",
        ("by wandb.login",),
        before="0.24",
    ),
    Limit("anonymous", "These versions cannot do without an account any more.", since="0.23"),
    Limit(
        "artifacts: the same again",
        "These versions ask that what they log becomes a version of its own, whatever it holds.",
        before="0.13",
    ),
    Limit("alert", "There are no alerts on this server yet; the client does not say so."),
    Limit("sweeps", _NO_SWEEPS),
    Limit("wandb verify", _NO_SWEEPS, ("sweep creation and agent execution",)),
    Limit(
        "wandb verify",
        "What asks for https fails, because the server of the test speaks http.",
        ("requests to base url", "requests made over signed URLs"),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """How a feature went with a version: works, partly, no. missing: the parts that failed, when others did not."""

    outcome: str
    missing: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


def order_of(version: str) -> tuple[int, ...]:
    """Give what versions are compared by."""
    return tuple(int(part) for part in version.split("."))


def tried_with(version: str, names: Iterable[str] = ()) -> list[Feature]:
    """Give the features that are tried with a version. names: only these."""
    chosen = set(names)
    fitting = [each for each in FEATURES if order_of(each.since) <= order_of(version) < order_of(each.before)]
    return [each for each in fitting if not chosen or each.name in chosen]


def judge(version: str, feature: Feature, faults: Mapping[tuple[str, str, str], str | None]) -> tuple[Outcome, list[str]]:
    """Say how a feature went, and what of that the table of limits did not expect.

    faults: for script, feature and part what went wrong, None when nothing did; a part that was not told of did not come to its end.
    """
    parts = [(script, part) for script, told in feature.parts.items() for part in told]
    found = {(script, part): faults.get((script, feature.name, part), "it did not get so far") for script, part in parts}
    limits = [each for each in LIMITS if each.feature == feature.name and order_of(each.since) <= order_of(version) < order_of(each.before)]
    surprises, whys, missing = [], [], []
    for (script, part), fault in found.items():
        known = [each.why for each in limits if not each.parts or part in each.parts]
        name = f"{version}: {feature.name}" + (f", {part}" if part else "")
        if fault is None and known:
            surprises.append(f"{name}: it works, and features.py says: {known[0]}")
        if fault is not None:
            missing.append(part)
            whys += [why for why in known[:1] if why not in whys]
            if not known:
                surprises.append(f"{name}: {fault} ({script}.py)")
    if not missing:
        return Outcome("works"), surprises
    if len(missing) == len(parts):
        return Outcome("no", (), tuple(whys)), surprises
    return Outcome("partly", tuple(dict.fromkeys(missing)), tuple(whys)), surprises

"""Tells of each step on a line of its own, so that one which fails hides none of the others. Runs in a client's own environment."""

import contextlib
import importlib.metadata
import json
import os
import subprocess
import sys
import traceback
import urllib.request

# The environment as it was: a client in use puts things into it that lead another process to this one's service.
CLEAN = dict(os.environ)

ENTITY = os.environ["MATRIX_ENTITY"]
PROJECT = os.environ["MATRIX_PROJECT"]
VERSION = tuple(int(part) for part in importlib.metadata.version("wandb").split("."))


@contextlib.contextmanager
def step(feature, part=""):
    """Do a part of a feature, and say how it went; a fault is one line, None when there is none."""
    fault = None
    try:
        yield
    except BaseException as error:  # a client may end its script as well
        fault = f"{type(error).__name__}: {error}"[:300].replace("\n", " ")
        traceback.print_exc()
    # Into a file, because clients write to both streams whenever they like.
    with open(os.environ["MATRIX_TOLD"], "a") as file:
        file.write(json.dumps({"feature": feature, "part": part, "fault": fault}) + "\n")


def elsewhere(script, **more):
    """Run a few lines in a process of their own, and give what they print after RESULT. Raises AssertionError when they fail."""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env={**CLEAN, **more}, capture_output=True, text=True, timeout=100)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise AssertionError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return done.stdout.rpartition("RESULT ")[2].partition("\n")[0]


def equal(found, expected):
    """Hold what was found against what was logged."""
    if found != expected:
        raise AssertionError(f"{found!r} is not {expected!r}")


def ask(query, **variables):
    """Ask the server without the client, and give its data."""
    request = urllib.request.Request(
        os.environ["WANDB_BASE_URL"] + "/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["MATRIX_KEY"]},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        said = json.load(answer)
    if said.get("errors"):
        raise AssertionError(said["errors"][0]["message"])
    return said["data"]


def serves(field):
    """Tell whether the server knows a mutation. Where a client swallows what it is refused, this is all there is to see."""
    found = ask('{ __type(name: "Mutation") { fields { name } } }')
    return field in [each["name"] for each in found["__type"]["fields"]]


def path(run):
    """Give the path by which the Api finds a run."""
    return f"{ENTITY}/{PROJECT}/{run}"

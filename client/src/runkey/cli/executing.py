"""`runkey exec -- CMD`: runs CMD with the environment that the official client needs, for that process only. Nothing is written."""

import argparse
import os
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.usage = "runkey exec [--host URL] [--profile NAME] -- CMD …"
    parser.epilog = "Example: runkey exec -- python train.py"
    parser.add_argument("--host", metavar="URL", help="the server (default: the one that would be used)")
    parser.add_argument("--profile", metavar="NAME", help="the login of this name")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="CMD", help="the command and its arguments")


def run(arguments: argparse.Namespace) -> int:
    """Become the command. Raises NotLoggedIn, UsageError when there is no such command."""
    from runkey.cli.status import proved_login
    from runkey.errors import UsageError

    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        raise UsageError("Name the command to run: runkey exec -- python train.py")
    steps = proved_login(arguments)
    host, secret = steps.credential.host, steps.credential.secret.reveal()
    variables = {"WANDB_BASE_URL": host, "WANDB_API_KEY": secret, "RUNKEY_HOST": host, "RUNKEY_API_KEY": secret}
    environment = {**os.environ, **variables}
    # The official client refuses a key beside an identity token, and would prefer what another login left in these.
    for name in ("WANDB_IDENTITY_TOKEN_FILE", "RUNKEY_API_KEY_FILE", "RUNKEY_PROFILE"):
        environment.pop(name, None)
    sys.stdout.flush()
    try:
        if os.name == "posix":
            os.execvpe(words[0], words, environment)
        import subprocess

        return subprocess.run(words, env=environment, check=False).returncode
    except OSError as error:
        raise UsageError(f"Cannot run {words[0]}: {error.strerror}.") from None

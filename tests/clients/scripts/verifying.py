"""W&B's own check of a server, each of its checks as a part."""

import os
import re
import subprocess
import sys

from steps import CLEAN, step


def main():
    command = [sys.executable, "-W", "ignore", "-m", "wandb", "verify", "--host", os.environ["WANDB_BASE_URL"]]
    said = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=150).stdout
    for line in said.splitlines():
        found = re.match(r"Checking ([^.]+)\.\.+(.*)", line)
        if found:
            with step("wandb verify", found.group(1)):
                assert "\u2705" in found.group(2), said


if __name__ == "__main__":
    main()

"""What is printed: plain lines, a progress bar that rewrites its line, colours, both streams, and a line that is never ended."""

import sys
import time

import wandb

run = wandb.init(project="scripts", id="printing")
print("before\nanother ü")
for part in range(11):
    sys.stdout.write(f"\rprogress {part * 10:3}%")
    sys.stdout.flush()
    time.sleep(0.01)
print()
print("\x1b[32mgreen\x1b[0m")
print("an error", file=sys.stderr)
print("  indented, and with trailing space   ")
print()
run.log({"x": 1})
print("no end", end="")
run.finish()

"""The files that say at the end how the run stood: `config.yaml` and `wandb-summary.json`, which the official client leaves too."""

from typing import TYPE_CHECKING

from runkey.runs import yaml
from runkey.runs.config import wire_config
from runkey.runs.encoding import encode, plain

if TYPE_CHECKING:
    from runkey.runs.run import Run


def keep_last_files(run: "Run") -> None:
    """Send them. Nothing that is wrong with them may cost the end of a run."""
    try:
        config = wire_config(plain(run.config.copy(), run._complain), run._standing.private, run._metrics)
        run.upload("config.yaml", data=run.scrubber.scrub(yaml.write(config), "the config").encode("utf-8", "replace"))
        run.upload("wandb-summary.json", data=encode(run.summary_values(), run._complain).encode("utf-8", "replace"))
    except Exception as fault:
        run._warn(f"What the run ended with is not kept as files ({type(fault).__name__}: {fault}).")

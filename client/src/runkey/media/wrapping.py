"""Values that are meant as media: a frame is a table, a large array a histogram, another package's picture a picture."""

from typing import Any

from runkey.media.arrays import as_array, is_array, is_frame

MOST_NUMBERS = 32
"""An array of more is kept as a histogram of as many bins, as W&B has it: nobody reads a row of a million numbers."""


def wrapped(value: Any) -> Any:
    """Give what a value is kept as: media for what is meant as such, itself for everything else."""
    if is_frame(value):
        from runkey.media.table import Table  # slow import

        return Table(dataframe=value)
    array = as_array(value) if hasattr(value, "shape") else value
    if is_array(array) and getattr(array, "size", 0) > MOST_NUMBERS and array.dtype.kind in "biuf":
        from runkey.media.histogram import Histogram  # slow import

        return Histogram(array, num_bins=MOST_NUMBERS)
    if is_array(array) and getattr(array, "size", 0) == 1 and len(array.shape):
        return array.reshape(-1).tolist()[0]
    maker = type(value).__module__.split(".")[0]
    if (maker == "PIL" and hasattr(value, "getbands")) or (maker == "matplotlib" and hasattr(value, "savefig")):
        from runkey.media.image import Image  # slow import

        return Image(value)
    return value

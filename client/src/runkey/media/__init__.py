"""Pictures, tables, histograms, sounds, films and pages, as values of a row.

A file goes up beside the run under `media/<kind>/<key>_<step>_<digest>.<extension>`; the row holds a small dict that names it, in the
official client's formats, so that whatever reads those reads ours. Nothing here needs a package: pictures and sounds made of arrays are
written with the standard library, arrays and frames are known by what they can do, and Pillow, NumPy or moviepy are used where the process
has them. A run asks a value for its dict by `_runkey_media`, and a list of one kind by `_runkey_media_list`.
"""

from runkey.media.audio import Audio
from runkey.media.histogram import Histogram
from runkey.media.html import Html
from runkey.media.image import Image
from runkey.media.table import Table
from runkey.media.video import Video

__all__ = ["Audio", "Histogram", "Html", "Image", "Table", "Video"]

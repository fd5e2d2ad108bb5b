"""Picture files: finding, reading, writing, and the way to tensors and back.

The only room that knows files, EXIF, ICC profiles, alpha and bit depths. What `read` hands on is upright
8-bit sRGB, `(H, W, 3)`; `read_original` keeps what else a conversion carries over. Every way in which a file
can be bad ends in one `BadImage`.
"""

from __future__ import annotations

from translate.images.checks import MAX_PIXELS
from translate.images.formats import (
    FORMAT_OF,
    FORMATS,
    HEIC_SUFFIXES,
    HOLDING_ALPHA,
    SUFFIXES,
    WRITABLE,
    format_of_suffix,
    same_format,
)
from translate.images.originals import Frame, Original, read_original
from translate.images.reading import Header, Picture, find, from_pil, picture_from_pil, probe, read
from translate.images.scratch import empty
from translate.images.stored import write_nearest
from translate.images.tensors import eight_bits, grey, to_floats, to_pixels, to_tensor
from translate.images.writing import encode, write, write_like

__all__ = [
    "FORMATS",
    "FORMAT_OF",
    "HEIC_SUFFIXES",
    "HOLDING_ALPHA",
    "MAX_PIXELS",
    "SUFFIXES",
    "WRITABLE",
    "Frame",
    "Header",
    "Original",
    "Picture",
    "eight_bits",
    "empty",
    "encode",
    "find",
    "format_of_suffix",
    "from_pil",
    "grey",
    "picture_from_pil",
    "probe",
    "read",
    "read_original",
    "same_format",
    "to_floats",
    "to_pixels",
    "to_tensor",
    "write",
    "write_like",
    "write_nearest",
]

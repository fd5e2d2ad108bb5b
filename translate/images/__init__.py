"""Picture files: finding, reading, writing, and the way to tensors and back.

The only room that knows files, EXIF, ICC profiles, alpha and bit depths. What `read` hands on is upright
8-bit sRGB, `(H, W, 3)`; every way in which a file can be bad ends in one `BadImage`.
"""

from __future__ import annotations

from translate.images.formats import FORMAT_OF, FORMATS, SUFFIXES, WRITABLE, same_format
from translate.images.reading import Header, Picture, find, from_pil, probe, read
from translate.images.tensors import grey, to_pixels, to_tensor
from translate.images.writing import encode, write

__all__ = [
    "FORMATS",
    "FORMAT_OF",
    "SUFFIXES",
    "WRITABLE",
    "Header",
    "Picture",
    "encode",
    "find",
    "from_pil",
    "grey",
    "probe",
    "read",
    "same_format",
    "to_pixels",
    "to_tensor",
    "write",
]

"""Video files: frame by frame out of one, and into another. By PyAV, which is optional.

Like `images` for pictures, the only room that knows containers, codecs, rotation and matrices. Nothing here
imports PyAV before it is needed. Every way in which a file can be bad ends in one `BadImage`.
"""

from __future__ import annotations

from translate.videos.formats import IN_FOLDERS, INSTEAD, SUFFIXES, WRITABLE, is_video, require_pyav
from translate.videos.reading import Moment, Reader, Traits
from translate.videos.writing import Writer, require_encoder, require_encoders

__all__ = [
    "INSTEAD",
    "IN_FOLDERS",
    "SUFFIXES",
    "WRITABLE",
    "Moment",
    "Reader",
    "Traits",
    "Writer",
    "is_video",
    "require_encoder",
    "require_encoders",
    "require_pyav",
]

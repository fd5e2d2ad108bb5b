"""The formats of picture files, and their suffixes."""

from __future__ import annotations

# Few formats are the cheapest defence: no EPS (runs Ghostscript), no PSD, no exotic TIFF cousins.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "PPM")
SUFFIXES_OF = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "AVIF": (".avif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
HEIC_SUFFIXES = frozenset((".heic", ".heif"))  # read with the extra "heif" alone; data sets leave them out
FORMAT_OF = {suffix: name for name, suffixes in SUFFIXES_OF.items() for suffix in suffixes}
SUFFIXES = frozenset(FORMAT_OF)
WRITABLE = frozenset(s for name in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF") for s in SUFFIXES_OF[name])
# What else than one picture of 8 bits a format holds, as it is written here.
HOLDING_ALPHA = frozenset(("PNG", "WEBP", "TIFF", "GIF"))
HOLDING_16_BIT = frozenset(("PNG", "TIFF"))
HOLDING_FRAMES = frozenset(("PNG", "WEBP", "TIFF", "GIF"))


def same_format(suffix: str, other: str) -> bool:
    """Whether two suffixes mean the same format, as `.jpeg` and `.JPG` do."""
    return FORMAT_OF.get(suffix.lower(), suffix) == FORMAT_OF.get(other.lower(), other)


def format_of_suffix(suffix: str) -> str:
    """The format that a suffix names; one that isn't known names itself."""
    return FORMAT_OF.get(suffix.lower(), suffix)

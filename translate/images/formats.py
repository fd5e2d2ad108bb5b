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
FORMAT_OF = {suffix: name for name, suffixes in SUFFIXES_OF.items() for suffix in suffixes}
SUFFIXES = frozenset(FORMAT_OF)
WRITABLE = frozenset(s for name in ("PNG", "JPEG", "WEBP", "BMP", "TIFF") for s in SUFFIXES_OF[name])


def same_format(suffix: str, other: str) -> bool:
    """Whether two suffixes mean the same format, as `.jpeg` and `.JPG` do."""
    return FORMAT_OF.get(suffix.lower(), suffix) == FORMAT_OF.get(other.lower(), other)

"""Pictures of 16 bits a colour, which Pillow reads as 8 and doesn't write: by OpenCV."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ImageFile

from translate.errors import OutputError
from translate.images.metadata import in_png, in_tiff
from translate.pillow import white_is_zero

_TIFF_DEFLATE = 8
_BITS = 0x0102  # BitsPerSample


def sixteen_bit(
    image: ImageFile.ImageFile, path: Path, encoded: bytes | None
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Colour `(H, W, 3)` or grey `(H, W)` and alpha `(H, W)`, uint16, of a file that Pillow has decoded.

    None of a file that has not 16 bits, and where the two decoders differ: OpenCV's upper bytes have to be
    Pillow's pixels.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return _grey(image)
    if image.mode not in ("RGB", "RGBA", "LA") or "transparency" in image.info:
        return None
    whole = path.read_bytes() if encoded is None else encoded
    if not says_16(image, whole):
        return None
    import cv2

    cv2.utils.logging.setLogLevel(0)  # it remarks on unknown tags, on a stream that people read
    stored = np.frombuffer(whole, np.uint8)
    found = cv2.imdecode(stored, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 3:
        return None
    colour = np.ascontiguousarray(found[..., 2::-1])
    alpha = np.ascontiguousarray(found[..., 3]) if found.shape[2] == 4 else None
    both = colour if alpha is None else np.dstack((colour, alpha))
    seen = np.asarray(image.convert("RGBA") if image.mode == "LA" else image)
    return (colour, alpha) if np.array_equal((both // 256).astype(np.uint8), seen) else None


def encode_wide(pixels: np.ndarray, name: str, **metadata: bytes) -> bytes:
    """The bytes of a PNG or TIFF of uint16 `(H, W, C)`, grey, RGB, with or without alpha.

    Args:
        metadata: `exif` and `icc_profile`.

    Raises:
        OutputError: it can't be encoded.
    """
    import cv2

    if pixels.shape[2] == 2:
        pixels = np.dstack((pixels[..., :1].repeat(3, axis=2), pixels[..., 1]))
    swapped = pixels[..., 0] if pixels.shape[2] == 1 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    options = {
        "PNG": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]),
        "TIFF": (".tiff", [cv2.IMWRITE_TIFF_COMPRESSION, _TIFF_DEFLATE]),
    }
    done, stored = cv2.imencode(options[name][0], np.ascontiguousarray(swapped), options[name][1])
    if not done:
        raise OutputError(
            f"{pixels.shape[1]}×{pixels.shape[0]} pixels of 16 bits can't be written as {name}."
        )
    put = in_png if name == "PNG" else in_tiff
    return put(stored.tobytes(), **metadata) if metadata else stored.tobytes()


def says_16(image: ImageFile.ImageFile, header: bytes) -> bool:
    """Whether colours that Pillow shows in 8 bits are stored in 16; `header` is the file's first bytes."""
    if image.format == "PNG":
        return header[24:25] == b"\x10"  # "bit depth" in its first chunk
    return image.format == "TIFF" and set(getattr(image, "tag_v2", {}).get(_BITS, ())) == {16}


def _grey(image: ImageFile.ImageFile) -> tuple[np.ndarray, np.ndarray | None] | None:
    samples = np.asarray(image)
    bits = getattr(image, "tag_v2", {}).get(_BITS, (16,))[0]
    if bits != 16:
        return None
    transparent = image.info.get("transparency")
    grey = samples.clip(0, 65535).astype(np.uint16)
    if white_is_zero(image):
        grey = 65535 - grey
    return grey, np.uint16(65535) * (grey != transparent) if isinstance(transparent, int) else None

"""Makes a page look scanned or photographed; its boxes turn with the picture."""

import io
import math
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageFilter

MOST_DEGREES = 2.5


@dataclass(frozen=True)
class Scan:
    """How a page was scanned.

    Attributes:
      degrees: by which it is turned, clockwise.
      blur: radius, as a share of the picture's longer side.
      noise: standard deviation, of 255.
      shade: how much darker the darkest corner is, of 1; and towards where it lies, in radians.
      quality: of the JPEG that it was; None for none.
      gray: whether it has no color.
    """

    degrees: float
    blur: float
    noise: float
    shade: tuple[float, float]
    quality: int | None
    gray: bool
    seed: int


def draw_scan(rng: Random) -> Scan:
    return Scan(
        degrees=rng.gauss(0, MOST_DEGREES / 2.5) if rng.random() < 0.8 else 0.0,
        blur=rng.uniform(0.0002, 0.0009) if rng.random() < 0.7 else 0.0,
        noise=rng.uniform(2, 14) if rng.random() < 0.7 else 0.0,
        shade=(rng.uniform(0.05, 0.35) if rng.random() < 0.5 else 0.0, rng.uniform(0, 2 * math.pi)),
        quality=rng.randint(18, 60) if rng.random() < 0.7 else None,
        gray=rng.random() < 0.4,
        seed=rng.randrange(1 << 32),
    )


def scan_image(scan: Scan, image: Image.Image) -> Image.Image:
    """The picture of the scan: RGB, of the same size."""
    if scan.degrees:
        to_scan = _matrix(scan, *image.size)
        # Pillow asks where in the page each pixel of the scan lies.
        back = np.linalg.inv(to_scan)[:2].ravel()
        image = image.transform(
            image.size,
            Image.Transform.AFFINE,
            tuple(back),
            Image.Resampling.BICUBIC,
            fillcolor=image.getpixel((2, image.height - 3)),
        )
    if scan.gray:
        image = image.convert("L").convert("RGB")
    if scan.blur:
        image = image.filter(ImageFilter.GaussianBlur(scan.blur * max(image.size)))
    image = _shade_and_noise(scan, image)
    if scan.quality is not None:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=scan.quality)
        image = Image.open(buffer).convert("RGB")
    return image


def _shade_and_noise(scan: Scan, image: Image.Image) -> Image.Image:
    depth, towards = scan.shade
    if not depth and not scan.noise:
        return image
    pixels = np.asarray(image).astype(np.float32)
    rows, columns = pixels.shape[:2]
    if depth:
        x = np.linspace(-1, 1, columns, dtype=np.float32) * math.cos(towards)
        y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None] * math.sin(towards)
        pixels *= (1 - depth * np.clip((x + y + 1) / 2, 0, 1) ** 2)[..., None]
    if scan.noise:
        normal = np.random.default_rng(scan.seed).standard_normal((rows, columns), np.float32)
        pixels += scan.noise * normal[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def scan_boxes(scan: Scan, boxes: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Where boxes of the page lie in the scan: what encloses the turned corners.

    Args:
      boxes: float[n, 4], in [0, 1] of the page.
      size: width and height of the page, in any unit.
    """
    if not scan.degrees:
        return boxes
    width, height = size
    to_scan = _matrix(scan, width, height)
    x, y = boxes[:, [0, 2, 2, 0]] * width, boxes[:, [1, 1, 3, 3]] * height
    corners = np.einsum("ij,jnk->ink", to_scan, np.stack([x, y, np.ones_like(x)]))
    x, y = corners[0] / width, corners[1] / height
    return np.clip(np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], 1), 0, 1)


def _matrix(scan: Scan, width: float, height: float) -> np.ndarray:
    """float64[3, 3] from the page to the scan: about the center, and smaller, so that all stays."""
    angle = math.radians(scan.degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    scale = min(
        width / (width * cos + height * abs(sin)), height / (height * cos + width * abs(sin))
    )
    turn = np.array([[scale * cos, -scale * sin], [scale * sin, scale * cos]])
    center = np.array([width, height]) / 2
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, center - turn @ center
    return matrix

"""A prediction as a heatmap: the photo, the evidence laid over it, the labels above."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dogbreed.images.square import frame_box
from dogbreed.prediction import Prediction
from dogbreed.subject import DOG
from dogbreed.wording import as_lines, not_shown

# From no evidence to the strongest: transparent, amber, red.
_STOPS = (0.0, 0.5, 1.0)
_COLORS = ((255, 214, 90), (255, 150, 30), (220, 20, 30))
_OPACITY = (0.0, 0.35, 0.6)
# Pixels, see `draw_heatmap`.
_WIDTH, TALLEST = 640, 1280


def overlay(
    photo: Image.Image, evidence: np.ndarray, resize: str = "squash", strength: float = 1.0
) -> Image.Image:
    """Lay an evidence map over a photo; red is where the evidence is strongest.

    Args:
        photo: Upright RGB photo.
        evidence: float array of shape (h, w), see `relative_evidence`; evidence against the label
            (below 0) is not shown.
        resize: How the photo became a square, see `images.prepare`.
        strength: Opacity of the overlay, from 0 (only the photo) to 1.

    Returns:
        RGB image of the size of the photo.
    """
    weight = np.maximum(evidence, 0)
    weight = weight / max(float(weight.max()), 1e-6)
    left, top, right, bottom = frame_box(photo.size, resize)
    levels = Image.fromarray((255 * weight).round().astype(np.uint8))
    mask = levels.resize((right - left, bottom - top), Image.Resampling.BICUBIC)
    canvas = Image.new("L", photo.size)
    canvas.paste(mask, (left, top))
    bands = [canvas.point(_table([color[i] for color in _COLORS])) for i in range(3)]
    opacity = canvas.point(_table([255 * strength * share for share in _OPACITY]))
    return Image.composite(Image.merge("RGB", bands), photo.convert("RGB"), opacity)


def _table(values: list[float]) -> list[int]:
    """What each of the 256 levels becomes, interpolated between the stops."""
    levels = np.linspace(0, 1, 256)
    return np.interp(levels, _STOPS, values).round().astype(int).tolist()


def relative_evidence(prediction: Prediction, label: str | None = None) -> np.ndarray:
    """How much stronger the evidence for a label is than for the average label.

    The zero of a logit means nothing, only its distance to the others does; on a photo that fits
    no label all of them are negative.

    Args:
        prediction: The answer to a photo.
        label: One of its labels; the best one if left out.

    Returns:
        float32 array of shape (8, 8), top left first.
    """
    return prediction.evidence(label) - prediction.evidence_map.mean(axis=2)


def draw_heatmap(
    photo: Image.Image, prediction: Prediction, resize: str = "squash", subject: str = DOG
) -> Image.Image:
    """Draw a photo with its labels above it and the evidence for the best one over it.

    Args:
        photo: Upright RGB photo; `TALLEST` pixels on each side are enough.
        prediction: The answer to it.
        resize: How the photo became a square, see `images.prepare`.
        subject: What the photos of the prediction's bundle show.

    Returns:
        RGB image, 640 pixels wide; a tall photo is drawn 1,280 pixels high, between margins.
    """
    scale = min(_WIDTH / photo.width, TALLEST / photo.height)
    photo = photo.resize([max(1, round(side * scale)) for side in photo.size])
    font = ImageFont.load_default(size=24)
    lines = as_lines(prediction)
    if not prediction.looks_like_dog:
        lines.insert(0, not_shown(subject))
    margin, line_height = 12, 32
    header = margin * 2 + line_height * len(lines)
    heatmap = Image.new("RGB", (_WIDTH, header + photo.height), "white")
    draw = ImageDraw.Draw(heatmap)
    for number, line in enumerate(lines):
        color = "black" if number == 0 else "#666666"
        draw.text((margin, margin + number * line_height), line, font=font, fill=color)
    evidence = relative_evidence(prediction)
    heatmap.paste(overlay(photo, evidence, resize), ((_WIDTH - photo.width) // 2, header))
    return heatmap

"""Draw the icons of the page, and dogs for the tests, with Pillow.

python -m tools.drawings
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

ROOT = Path(__file__).parent.parent
STATIC = Path("dogbreed", "page", "static")
DRAWINGS = Path("tests", "helpers", "drawings")
# Drawn at this multiple of the final size, so that edges are smooth.
SCALE = 4
SIZE = 320


class Sketch:
    """A canvas of 100 × 100 units."""

    def __init__(self, sky: str, ground: str):
        side = SIZE * SCALE
        self.image = Image.new("RGB", (side, side), sky)
        self.draw = ImageDraw.Draw(self.image)
        self.unit = side / 100
        self.oval(-40, 68, 140, 150, ground)

    def oval(self, left: float, top: float, right: float, bottom: float, color: str) -> None:
        """Fill an ellipse."""
        self.draw.ellipse([v * self.unit for v in (left, top, right, bottom)], fill=color)

    def shape(self, points: list[tuple[float, float]], color: str) -> None:
        """Fill a polygon."""
        self.draw.polygon([(x * self.unit, y * self.unit) for x, y in points], fill=color)

    def line(self, points: list[tuple[float, float]], color: str, width: float) -> None:
        """Draw a line with round joints."""
        scaled = [(x * self.unit, y * self.unit) for x, y in points]
        self.draw.line(scaled, fill=color, width=round(width * self.unit), joint="curve")

    def finish(self) -> Image.Image:
        """The drawing at its final size, slightly blurred like a photo."""
        small = self.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        return small.filter(ImageFilter.GaussianBlur(0.4))


def face(sketch: Sketch, muzzle: str, y: float = 0) -> None:
    """Eyes, muzzle, nose and mouth, the same for every dog."""
    sketch.oval(36, 46 + y, 64, 72 + y, muzzle)
    for x in (37, 57):
        sketch.oval(x, 36 + y, x + 6.5, 43.5 + y, "#1d1714")
        sketch.oval(x + 3.4, 37.4 + y, x + 5.2, 39.2 + y, "#ffffff")
    sketch.oval(44, 48 + y, 56, 56.5 + y, "#1d1714")
    sketch.oval(46.5, 49.4 + y, 50, 51.4 + y, "#6a5f59")
    sketch.line([(50, 56 + y), (50, 61 + y)], "#1d1714", 0.9)
    sketch.line(
        [(43, 60 + y), (46, 63 + y), (50, 61 + y), (54, 63 + y), (57, 60 + y)], "#1d1714", 1
    )


def spotted() -> Image.Image:
    """A white dog with black spots."""
    sketch = Sketch("#bfe0ee", "#8cbf6b")
    sketch.oval(22, 66, 78, 130, "#f4f1ec")
    sketch.oval(28, 20, 72, 74, "#f7f5f1")
    for x, sign in ((30, 1), (70, -1)):
        steps = ((0, 24), (-13, 30), (-12, 54), (-4, 60), (3, 40))
        sketch.shape([(x + step * sign, y) for step, y in steps], "#2a2725")
    for x, y, r in ((40, 27, 3.4), (58, 25, 2.6), (62, 33, 2), (33, 40, 2.2), (66, 48, 2.4)):
        sketch.oval(x - r, y - r, x + r, y + r, "#2a2725")
    for x, y, r in ((36, 84, 4), (52, 90, 3.4), (64, 82, 3.8), (45, 79, 2), (58, 97, 3)):
        sketch.oval(x - r, y - r, x + r, y + r, "#2a2725")
    face(sketch, "#fdfcfa")
    sketch.line([(34, 75), (50, 79), (66, 75)], "#c8372d", 3.4)
    sketch.oval(47, 77, 53, 83, "#e0b23a")
    return sketch.finish()


def golden() -> Image.Image:
    """A golden dog with hanging ears and its tongue out."""
    sketch = Sketch("#f6dfb8", "#b6c98a")
    sketch.oval(20, 66, 80, 130, "#d39a4a")
    sketch.oval(36, 74, 64, 120, "#e9c588")
    sketch.oval(26, 18, 74, 74, "#dda655")
    for x in (18, 65):
        sketch.oval(x, 24, x + 17, 66, "#b57a2f")
    face(sketch, "#eecb90", -1)
    sketch.oval(45.5, 60, 54.5, 72, "#e8707a")
    sketch.line([(50, 60), (50, 67)], "#c4525d", 0.8)
    return sketch.finish()


def pointed() -> Image.Image:
    """A grey dog with upright ears and a light mask."""
    sketch = Sketch("#d7dcf0", "#eef2f6")
    sketch.oval(22, 66, 78, 130, "#5e6670")
    sketch.oval(36, 72, 64, 120, "#f2f2ef")
    for sign in (1, -1):
        outer, inner = ((-19, 36), (-23, 6), (-2, 24)), ((-17, 31), (-20, 13), (-7, 25))
        sketch.shape([(50 + sign * x, y) for x, y in outer], "#4b525b")
        sketch.shape([(50 + sign * x, y) for x, y in inner], "#c9a9a2")
    sketch.oval(27, 18, 73, 74, "#59616b")
    sketch.oval(31, 34, 50, 66, "#f4f4f1")
    sketch.oval(50, 34, 69, 66, "#f4f4f1")
    sketch.shape([(44, 20), (56, 20), (50, 42)], "#434a52")
    face(sketch, "#fbfbf9")
    return sketch.finish()


def lens() -> Image.Image:
    """Draw a magnifying glass, the icon where the photos show something else than dogs."""
    sketch = Sketch("#d5ebe7", "#9fcbc3")
    sketch.line([(60, 60), (80, 80)], "#0f766e", 12)
    for x, y in ((60, 60), (80, 80)):
        sketch.oval(x - 6, y - 6, x + 6, y + 6, "#0f766e")
    sketch.oval(18, 18, 70, 70, "#0f766e")
    sketch.oval(25, 25, 63, 63, "#f4fbf9")
    sketch.oval(31, 30, 43, 40, "#ffffff")
    return sketch.finish()


def main(root: Path = ROOT) -> None:
    """Write all of them where they belong below a folder."""
    for folder in (STATIC, DRAWINGS):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for draw in (golden, pointed, spotted):
        draw().quantize(128).save(root / DRAWINGS / f"{draw.__name__}.png", optimize=True)
    for name, draw in (("icon", golden), ("neutral", lens)):
        icon = draw().resize((512, 512), Image.Resampling.LANCZOS)
        icon.quantize(128).save(root / STATIC / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

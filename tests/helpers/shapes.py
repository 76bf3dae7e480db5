"""Small data that the tests make: colored shapes, and a network that distinguishes them."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LABELS = ("n00000001-red_disc", "n00000002-green_square", "n00000003-blue_triangle")
COLORS = ((210, 40, 40), (40, 180, 60), (50, 70, 220))
SIZE = 96


def draw_shape(label: int, seed: int) -> Image.Image:
    """Draw a shape of one class on a noisy background, somewhere in the frame."""
    rng = np.random.default_rng([label, seed])
    noise = rng.integers(90, 160, (SIZE, SIZE, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    draw = ImageDraw.Draw(image)
    radius = int(rng.integers(24, 34))
    x, y = (int(v) for v in rng.integers(radius, SIZE - radius, 2))
    color = tuple(int(v) for v in np.clip(COLORS[label] + rng.integers(-20, 20, 3), 0, 255))
    box = (x - radius, y - radius, x + radius, y + radius)
    if label == 0:
        draw.ellipse(box, fill=color)
    elif label == 1:
        draw.rectangle(box, fill=color)
    else:
        draw.regular_polygon((x, y, radius), 3, fill=color)
    return image


def write_folder(root: Path, per_class: int = 12, test_per_class: int = 4) -> Path:
    """Write an image folder with a train and a test split, one folder a class."""
    for split, count, offset in (("train", per_class, 0), ("test", test_per_class, 1000)):
        for number, label in enumerate(LABELS):
            folder = root / split / label
            folder.mkdir(parents=True)
            for index in range(count):
                draw_shape(number, offset + index).save(folder / f"{index:03d}.png")
    return root


def write_negatives(root: Path, count: int = 24) -> Path:
    """Write a folder of photos without a shape: grey noise, half of them with dark stripes."""
    for index in range(count):
        rng = np.random.default_rng([7, index])
        noise = rng.integers(90, 160, (SIZE, SIZE, 3), dtype=np.uint8)
        kind = ("noise", "stripes")[index % 2]
        if kind == "stripes":
            noise[:: int(rng.integers(3, 9))] = 20
        folder = root / kind
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise).save(folder / f"{index:03d}.png")
    return root


def write_backbone(path: Path, image_size: int = 75) -> Path:
    """Write weights of an InceptionV3 that passes colors on from layer to layer.

    Every filter blurs one channel of the layer below, so the pooled features are the mean colors
    of the photo: enough to distinguish the shapes, and stable under 8-bit weights, which a network
    with random filters is not.
    """
    import keras

    network = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(image_size, image_size, 3)
    )
    rng = np.random.default_rng(0)
    first = True
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = np.zeros(layer.kernel.shape, np.float32)
            height, width, channels, filters = kernel.shape
            picked = rng.integers(channels, size=filters)
            # Both signs at the input only: behind a ReLU a negative filter passes nothing.
            signs = rng.choice([-1, 1], size=filters) if first else np.ones(filters)
            kernel[:, :, picked, np.arange(filters)] = signs / (height * width)
            layer.set_weights([kernel])
            first = False
    network.save_weights(path)
    return path

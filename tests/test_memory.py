"""Memory after many photos: what was read for one of them does not stay."""

import gc
import subprocess
import sys

import pytest

from dogbreed import DogBreedClassifier
from dogbreed.errors import InvalidImageError
from tests.helpers.encoded import encode, smooth
from tests.helpers.running import ROOT

# Photos of 7 to 25 MB in memory, in more threads than cores, as they come to the page.
LARGE_PHOTOS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from dogbreed import DogBreedClassifier
from dogbreed.images import load_image
from tests.helpers.encoded import encode, smooth

def megabytes():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) / 1_024

def load(photo):
    image = load_image(photo)
    together.wait()
    return image.size

THREADS = 8
classifier = DogBreedClassifier.from_pretrained(sys.argv[1])
photos = [encode(smooth(side, side), "BMP") for side in (1_300, 2_100, 2_500)]
classifier.predict(photos[0])
before, together = megabytes(), Barrier(THREADS)
with ThreadPoolExecutor(THREADS) as threads:
    for photo in photos:
        list(threads.map(load, [photo] * THREADS))
    print(megabytes() - before)
"""


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "ICO"])
def test_a_refused_photo_is_freed_at_once(tiny, kind):
    classifier = DogBreedClassifier.from_pretrained(tiny)
    # Cut, so that a decoder fails; an ICO is refused before.
    photo = encode(smooth(96, 72), kind)[:500]
    references = sys.getrefcount(photo)
    gc.disable()
    try:
        with pytest.raises(InvalidImageError) as refused:
            classifier.predict(photo)
        del refused
        kept = list(classifier.predict_each([photo] * 3))
        assert all(isinstance(answer, InvalidImageError) for answer in kept)
        assert sys.getrefcount(photo) == references
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="how the C library of Linux keeps memory")
def test_large_photos_leave_little_memory(tiny):
    run = subprocess.run(
        [sys.executable, "-c", LARGE_PHOTOS, tiny],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # At most 16 MB for each of eight threads, and a little more.
    assert float(run.stdout) < 150

"""Pooled features of photos from the cache of train.py, for studies of what is fitted on them."""

from pathlib import Path

import numpy as np

from dogbreed.train.data.photos import Photos
from dogbreed.train.network.backbone import build_backbone, weights_fingerprint
from dogbreed.train.network.features import Extractor
from dogbreed.train.network.frozen import best_precision
from dogbreed.train.options import Options


class CachedFeatures:
    """Computes the features of photos, or reads what train.py has computed."""

    def __init__(self, backbone_weights: str, cache_dir: Path, resize: str = Options.resize):
        """Build the backbone; see the options of train.py with these names."""
        backbone = build_backbone(backbone_weights)
        self._extractor = Extractor(
            backbone,
            weights_fingerprint(backbone),
            resize=resize,
            seed=Options.seed,
            cache_dir=cache_dir,
        )

    def read(self, photos: Photos, view: str) -> np.ndarray:
        """Return the features in one view: float32 of shape (N, channels), NaN where unreadable."""
        found = self._extractor.extract(
            photos, photos.fingerprint(), view, precision=best_precision()
        )["avg_pool"]
        return found[np.arange(len(found))].astype(np.float32)

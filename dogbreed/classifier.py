"""DogBreedClassifier: a photo in, the most probable breeds out. LiteRT, no TensorFlow."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from dogbreed.bundle import REJECTION, Bundle, copy_bundle
from dogbreed.hub import load_bundle
from dogbreed.images import ImageSource, prepare
from dogbreed.prediction import Prediction
from dogbreed.prediction_set import SetRule
from dogbreed.rejection import ARRAYS, RejectionRule, read_arrays
from dogbreed.runtime import Network


class DogBreedClassifier:
    """Names the breed of the dog in a photo. Safe to use from several threads at once.

    Example:
        >>> classifier = DogBreedClassifier.from_pretrained()
        >>> classifier.predict("dog.jpg").labels
        ('Norwich terrier', 'Norfolk terrier', 'Border terrier')
    """

    def __init__(self, bundle: Bundle):
        """Load the network of a bundle that `read_bundle` has checked.

        Raises:
            BundleError: The network cannot be loaded or does not fit the config.
        """
        self.bundle = bundle
        config = bundle.config
        self._size: int = config["image_size"]
        self._resize: str = config["preprocessing"]["resize"]
        self._temperature: float = config["temperature"]
        self._names = bundle.names
        self._network = Network(bundle)
        thresholds = config["thresholds"]
        self._rule = SetRule(**thresholds["prediction_set"]) if thresholds else None
        self._detector = _load_detector(bundle, self._network.channels) if thresholds else None

    @classmethod
    def from_pretrained(
        cls, source: str | Path | None = None, revision: str | None = None
    ) -> "DogBreedClassifier":
        """Load a model bundle.

        Args:
            source: Directory of a bundle, or `user/name` or `user/name@revision` for one on the
                Hub; if left out `$DOGBREED_MODEL`, else the bundle that ships with the package.
            revision: Branch, tag or commit of a bundle on the Hub.

        Raises:
            BundleError: There is no such bundle, or it is damaged.
            HubError: The Hub cannot be reached or does not give it.
        """
        return cls(load_bundle(source, revision))

    def save_pretrained(self, directory: str | Path) -> None:
        """Copy the bundle, as far as its files are on this disk, into a new folder.

        Raises:
            BundleError: The folder is there already.
        """
        copy_bundle(self.bundle, Path(directory))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = False,
        revision: str | None = None,
        tag: str | None = None,
        token: str | None = None,
    ) -> str:
        """Push the whole bundle to the Hub; see `push.push_bundle`."""
        # Imported here, so that answering does not load the Hub's client.
        from dogbreed.hub import push_bundle

        return push_bundle(
            self.bundle, repo_id, private=private, revision=revision, tag=tag, token=token
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Every label that can be answered, for people, by class number."""
        return self._names

    def predict(self, image: ImageSource, top_k: int = 3) -> Prediction:
        """Name the most probable breeds of one photo.

        Args:
            image: Path, bytes, file object, PIL image or NumPy array, see `images.load_image`.
            top_k: How many labels, at least 1; at most all of them are given.

        Raises:
            InvalidImageError: It is no photo, or outside the limits.
        """
        (prediction,) = self.predict_batch([image], top_k)
        return prediction

    def predict_batch(self, images: Iterable[ImageSource], top_k: int = 3) -> list[Prediction]:
        """Name the most probable breeds of several photos, on all cores; see `predict`.

        The photos are taken from `images` a few ahead of what is being answered.
        """
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {top_k}")
        waiting: deque[Future] = deque()
        predictions = []
        try:
            for image in images:
                if len(waiting) == self._network.window:
                    predictions.append(self._prediction(*waiting.popleft().result(), top_k))
                waiting.append(self._submit(image))
            while waiting:
                predictions.append(self._prediction(*waiting.popleft().result(), top_k))
        finally:
            for future in waiting:
                future.cancel()
        return predictions

    def evidence_map(self, image: ImageSource) -> np.ndarray:
        """Run the network on one photo.

        Returns:
            float32 array of shape (8, 8, num_classes) for 299 pixels; its mean over the first two
            axes is the logits.

        Raises:
            InvalidImageError: It is no photo, or outside the limits.
        """
        return self._submit(image).result()[0]

    def probabilities(self, evidence_map: np.ndarray) -> np.ndarray:
        """Softmax of the logits, with the bundle's temperature.

        Args:
            evidence_map: float array of shape (8, 8, num_classes).

        Returns:
            float64 array of shape (num_classes,) that sums to 1.
        """
        return self._softmax(evidence_map.mean(axis=(0, 1), dtype=np.float64))

    def _softmax(self, logits: np.ndarray) -> np.ndarray:
        logits = logits / self._temperature
        exponentials = np.exp(logits - logits.max())
        return exponentials / exponentials.sum()

    def _submit(self, image: ImageSource) -> Future:
        return self._network.submit(lambda: prepare(image, self._size, self._resize))

    def _prediction(
        self, evidence_map: np.ndarray, features: np.ndarray | None, top_k: int
    ) -> Prediction:
        logits = evidence_map.mean(axis=(0, 1), dtype=np.float64)
        probabilities = self._softmax(logits)
        order = np.argsort(-probabilities, kind="stable")
        ids, rule, detector = order[:top_k], self._rule, self._detector
        is_dog, reach = None, 0
        if rule is not None:
            reach = int(rule.sizes(probabilities[None])[0])
            is_dog = float(detector.probability(logits[None], features)[0])
        return Prediction(
            labels=tuple(self._names[number] for number in ids),
            probabilities=tuple(float(probabilities[number]) for number in ids),
            ids=tuple(int(number) for number in ids),
            evidence_map=evidence_map,
            is_dog=is_dog,
            looks_like_dog=is_dog is None or is_dog >= detector.threshold,
            prediction_set=tuple(self._names[number] for number in order[:reach]),
            coverage=rule and rule.coverage,
        )


def _load_detector(bundle: Bundle, channels: int) -> RejectionRule:
    stated = bundle.config["thresholds"]["is_dog"]
    method = stated["method"]
    arrays = read_arrays(method, bundle.path / REJECTION, channels) if ARRAYS[method] else {}
    return RejectionRule(method, arrays, stated["scale"], stated["offset"], stated["threshold"])

"""DogBreedClassifier: a photo in, the most probable breeds out; on LiteRT, without TensorFlow."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dogbreed.bundle import REJECTION, Bundle, copy_bundle
from dogbreed.engines import LITERT, wanted_engine
from dogbreed.errors import BundleError, InvalidImageError
from dogbreed.hub import load_bundle
from dogbreed.images import ImageSource, prepare
from dogbreed.images.limits import keep_little_freed_memory
from dogbreed.prediction import Prediction
from dogbreed.prediction_set import SetRule
from dogbreed.rejection import ARRAYS, RejectionRule, read_arrays
from dogbreed.runtime import Answer, Network


class DogBreedClassifier:
    """Names the breed of the dog in a photo. Safe to use from several threads at once.

    Example:
        >>> classifier = DogBreedClassifier.from_pretrained()
        >>> classifier.predict("dog.jpg").labels
        ('Norwich terrier', 'Norfolk terrier', 'Border terrier')
    """

    def __init__(self, bundle: Bundle, engine: str = LITERT):
        """Load the network of a bundle that `read_bundle` has checked.

        Args:
            bundle: The bundle.
            engine: See `from_pretrained`.

        Raises:
            BundleError: The network cannot be loaded or does not fit the config.
            UsageError: The engine cannot be used.
        """
        keep_little_freed_memory()
        self.bundle = bundle
        config = bundle.config
        self._size: int = config["image_size"]
        self._resize: str = config["preprocessing"]["resize"]
        self._temperature: float = config["temperature"]
        self._names = bundle.names
        self._network = Network(bundle, engine)
        sets = config["thresholds"].get("prediction_set")
        self._sets = None if sets is None else SetRule(**sets)
        self._rejection = _load_rejection(bundle, self._network.channels)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        revision: str | None = None,
        engine: str | None = None,
    ) -> "DogBreedClassifier":
        """Load a model bundle.

        Args:
            source: Directory of a bundle, or `user/name` or `user/name@revision` for one on the
                Hub; if left out `$DOGBREED_MODEL`, else the bundle that comes with the package.
            revision: Branch, tag or commit of a bundle on the Hub.
            engine: What runs the network: `litert`, `openvino`, or `auto` for the fastest of them
                on this processor that is installed; if left out `$DOGBREED_ENGINE`, else `auto`.

        Raises:
            BundleError: There is no such bundle, or it is damaged.
            HubError: The Hub cannot be reached or refuses it.
            UsageError: The engine is not installed, or would answer wrongly on this processor.
        """
        return cls(load_bundle(source, revision), wanted_engine(engine))

    def save_pretrained(self, directory: str | Path) -> None:
        """Copy those files of the bundle that are on this disk into a new folder.

        Raises:
            BundleError: The folder exists already.
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
        """Push the whole bundle to the Hub; see `hub.push_bundle`."""
        # Imported here, so that answering does not load the Hub's client.
        from dogbreed.hub import push_bundle

        return push_bundle(
            self.bundle, repo_id, private=private, revision=revision, tag=tag, token=token
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The name for people of every class, by class number."""
        return self._names

    @property
    def engine(self) -> str:
        """What runs the network: `litert` or `openvino`."""
        return self._network.engine

    def predict(self, image: ImageSource, top_k: int = 3) -> Prediction:
        """Name the most probable breeds of one photo.

        Args:
            image: Path, bytes, file object, PIL image or NumPy array, see `images.load_image`.
            top_k: How many labels, from 1; all of them if there are fewer.

        Raises:
            InvalidImageError: It is not a photo, or outside the limits.
            BundleError: The network answers with numbers that are not finite.
        """
        _check_top_k(top_k)
        notes: list[str] = []
        answer = partial(self._network.answer, self._frame(image, notes))
        return _raised(self._result(answer, notes, top_k))

    def predict_batch(self, images: Iterable[ImageSource], top_k: int = 3) -> list[Prediction]:
        """Name the most probable breeds of several photos, on all cores; see `predict`."""
        with closing(self.predict_each(images, top_k)) as answers:
            return list(map(_raised, answers))

    def predict_each(
        self, images: Iterable[ImageSource], top_k: int = 3
    ) -> Generator[Prediction | InvalidImageError]:
        """Answer any number of photos one by one, on all cores, in the memory of a few.

        Args:
            images: See `predict`; they are taken a few ahead of what is being answered.
            top_k: See `predict`.

        Yields:
            For each photo, in their order, what `predict` returns, or the error that it raises if
            the photo cannot be used.

        Raises:
            BundleError: See `predict`.
        """
        _check_top_k(top_k)
        waiting: deque[tuple[Future[Answer], list[str]]] = deque()

        def next_result() -> Prediction | InvalidImageError:
            future, notes = waiting.popleft()
            return self._result(future.result, notes, top_k)

        try:
            for image in images:
                if len(waiting) == self._network.window:
                    yield next_result()
                notes: list[str] = []
                waiting.append((self._network.submit(self._frame(image, notes)), notes))
            while waiting:
                yield next_result()
        finally:
            for future, _ in waiting:
                future.cancel()

    def evidence_map(self, image: ImageSource) -> np.ndarray:
        """Run the network on one photo.

        Returns:
            float32 array of shape (8, 8, num_classes) for 299 pixels; its mean over the first two
            axes is the logits.

        Raises:
            InvalidImageError: It is not a photo, or outside the limits.
        """
        return self._network.answer(self._frame(image, []))[0]

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

    def _frame(self, image: ImageSource, notes: list[str]) -> Callable[[], np.ndarray]:
        """What gives the network the photo, and `notes` what is to be said about it."""
        return partial(prepare, image, self._size, self._resize, notes)

    def _result(
        self, answer: Callable[[], Answer], notes: list[str], top_k: int
    ) -> Prediction | InvalidImageError:
        try:
            evidence_map, features = answer()
        except InvalidImageError as error:
            # The frames that it passed contain the photo, and would as long as somebody keeps it.
            error.__context__ = None
            return error.with_traceback(None)
        prediction = self.interpret(evidence_map, features, top_k)
        return replace(prediction, note=notes[0]) if notes else prediction

    def interpret(
        self, evidence_map: np.ndarray, features: np.ndarray | None, top_k: int = 3
    ) -> Prediction:
        """Say what an answer of the network means.

        Args:
            evidence_map: float array of shape (height, width, num_classes); its mean over the
                first two axes is the logits.
            features: float32 array of shape (1, channels), None if the network does not give them.
            top_k: See `predict`.

        Raises:
            BundleError: See `predict`.
        """
        logits = evidence_map.mean(axis=(0, 1), dtype=np.float64)
        if not np.isfinite(logits).all():
            raise BundleError(
                f"The network of {self.bundle.source} answers with numbers that are not finite; "
                "get the bundle again."
            )
        probabilities = self._softmax(logits)
        order = np.argsort(-probabilities, kind="stable")
        ids = order[:top_k]
        return Prediction(
            labels=tuple(self._names[number] for number in ids),
            probabilities=tuple(float(probabilities[number]) for number in ids),
            ids=tuple(int(number) for number in ids),
            evidence_map=evidence_map,
            **self._is_dog(logits, features),
            **self._prediction_set(probabilities, order),
        )

    def _is_dog(self, logits: np.ndarray, features: np.ndarray | None) -> dict[str, Any]:
        """The fields of a `Prediction` about whether there is a dog."""
        rule = self._rejection
        if rule is None:
            return {}
        scores = rule.score(logits[None], features)
        probability = rule.probability(scores)
        return {
            "dog_score": float(scores[0]),
            "is_dog": None if probability is None else float(probability[0]),
            "looks_like_dog": bool(scores[0] >= rule.threshold),
        }

    def _prediction_set(self, probabilities: np.ndarray, order: np.ndarray) -> dict[str, Any]:
        """The fields of a `Prediction` about its prediction set."""
        rule = self._sets
        if rule is None:
            return {}
        size = int(rule.sizes(probabilities[None])[0])
        return {
            "prediction_set": tuple(self._names[number] for number in order[:size]),
            "coverage": rule.coverage,
        }


def _check_top_k(top_k: int) -> None:
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")


def _raised(answer: Prediction | InvalidImageError) -> Prediction:
    try:
        if isinstance(answer, InvalidImageError):
            raise answer
        return answer
    finally:
        # An error whose frames refer to it stays, with the photo, until the garbage is collected.
        del answer


def _load_rejection(bundle: Bundle, channels: int) -> RejectionRule | None:
    stated = bundle.config["thresholds"].get("is_dog")
    if stated is None:
        return None
    method = stated["method"]
    arrays = read_arrays(method, bundle.path / REJECTION, channels) if ARRAYS[method] else {}
    return RejectionRule(arrays=arrays, **stated)

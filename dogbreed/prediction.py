"""What the model answers to one photo."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """The most probable breeds of one photo, best first, and how far to trust them.

    Attributes:
        labels: Names for people.
        probabilities: float in 0..1 of each of `labels`.
        ids: Class number of each of `labels`.
        evidence_map: float32 array of shape (8, 8, num_classes), what each part of the photo adds
            to the logit of each class; its spatial mean is the logits.
        dog_score: Score of the bundle's rejection rule, higher for dogs; None if it has no rule.
        is_dog: Probability in 0..1 that the photo shows a dog; None if the rule was settled without
            photos of anything else, or if there is none.
        looks_like_dog: False if the rule says that the photo does not show a dog.
        prediction_set: The breeds that contain the right one about as often as `coverage` says,
            best first; empty if the bundle makes no such promise.
        coverage: How often they do, in 0..1; None if the bundle makes no such promise.
        note: A sentence about the photo itself, such as that its last third is missing; None if
            there is nothing to say.
    """

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    ids: tuple[int, ...]
    evidence_map: np.ndarray = field(repr=False, compare=False)
    dog_score: float | None = None
    is_dog: float | None = None
    looks_like_dog: bool = True
    prediction_set: tuple[str, ...] = ()
    coverage: float | None = None
    note: str | None = None

    @property
    def logits(self) -> np.ndarray:
        """float32 array of shape (num_classes,): before the temperature is applied."""
        return self.evidence_map.mean(axis=(0, 1))

    def as_dict(self) -> dict[str, float]:
        """Label to probability, best first: what `gradio.Label` takes."""
        return dict(zip(self.labels, self.probabilities, strict=True))

    def evidence(self, label: str | None = None) -> np.ndarray:
        """Where in the photo the evidence for a label is.

        Args:
            label: One of `labels`; the best one if left out.

        Returns:
            float32 array of shape (8, 8), top left first; its mean is the label's logit.

        Raises:
            KeyError: The label is not among `labels`.
        """
        label = self.labels[0] if label is None else label
        if label not in self.labels:
            raise KeyError(f"{label!r} is not among the labels {self.labels}")
        return self.evidence_map[:, :, self.ids[self.labels.index(label)]]

"""Answers that follow a camera: probabilities smoothed over time, so that labels do not flicker."""

import math
from dataclasses import dataclass

import numpy as np

# A breed that comes into view takes the lead after about half a second.
TIME_CONSTANT = 0.5
# After such a pause the camera shows something else.
PAUSE = 2.0


@dataclass(frozen=True)
class Smoothed:
    """The state between two frames.

    Attributes:
        time: When the last frame was answered, in seconds.
        probabilities: float64 array of shape (num_classes,) that sums to 1.
        no_dog: Share of the frames, the last ones weighing most, that looked like no dog.
    """

    time: float
    probabilities: np.ndarray
    no_dog: float

    @property
    def looks_like_dog(self) -> bool:
        """What most of the last frames say."""
        return self.no_dog <= 0.5


def smooth(
    previous: Smoothed | None, probabilities: np.ndarray, looks_like_dog: bool, now: float
) -> Smoothed:
    """Exponential smoothing over time, the same at 2 and at 20 frames a second.

    Args:
        previous: The state after the last frame, if there was one.
        probabilities: float array of shape (num_classes,), the answer to the new frame.
        looks_like_dog: The same of the answer.
        now: Seconds of any steady clock.
    """
    if previous is None or not 0 <= now - previous.time <= PAUSE:
        return Smoothed(now, probabilities, float(not looks_like_dog))
    weight = 1 - math.exp(-(now - previous.time) / TIME_CONSTANT)
    mixed = previous.probabilities + weight * (probabilities - previous.probabilities)
    no_dog = previous.no_dog + weight * (float(not looks_like_dog) - previous.no_dog)
    return Smoothed(now, mixed, no_dog)


def top_labels(smoothed: Smoothed, names: tuple[str, ...], top_k: int = 3) -> dict[str, float]:
    """The most probable labels with their probabilities, best first."""
    ids = np.argsort(-smoothed.probabilities, kind="stable")[:top_k]
    return {names[number]: float(smoothed.probabilities[number]) for number in ids}

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
    """

    time: float
    probabilities: np.ndarray


def smooth(previous: Smoothed | None, probabilities: np.ndarray, now: float) -> Smoothed:
    """Exponential smoothing over time, the same at 2 and at 20 frames a second.

    Args:
        previous: The state after the last frame, if there was one.
        probabilities: float array of shape (num_classes,), the answer to the new frame.
        now: Seconds of any steady clock.
    """
    if previous is None or not 0 <= now - previous.time <= PAUSE:
        return Smoothed(now, probabilities)
    weight = 1 - math.exp(-(now - previous.time) / TIME_CONSTANT)
    mixed = previous.probabilities + weight * (probabilities - previous.probabilities)
    return Smoothed(now, mixed)


def top_labels(smoothed: Smoothed, names: tuple[str, ...], top_k: int = 3) -> dict[str, float]:
    """The most probable labels with their probabilities, best first."""
    ids = np.argsort(-smoothed.probabilities, kind="stable")[:top_k]
    return {names[number]: float(smoothed.probabilities[number]) for number in ids}

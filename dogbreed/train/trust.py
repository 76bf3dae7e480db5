"""What is set on validation photos: the temperature, the prediction sets, the detector."""

from dataclasses import dataclass

import keras
import numpy as np
from tqdm.auto import tqdm

from dogbreed.prediction_set import SetRule
from dogbreed.rejection import RejectionRule
from dogbreed.train.backbone import tail_network
from dogbreed.train.conformal import fit_rule
from dogbreed.train.features import Features
from dogbreed.train.fit import Tail
from dogbreed.train.probabilities import fit_temperature, probabilities
from dogbreed.train.rejection import Answers, fit_detector

BATCH_SIZE = 64


@dataclass(frozen=True)
class Trust:
    """How the answers of a network are to be read.

    Attributes:
        temperature: What the logits are divided by.
        rule: Of the prediction sets.
        detector: Of photos without a dog.
        compared: A row for each score that the detector might have used, if there were negatives.
    """

    temperature: float
    rule: SetRule
    detector: RejectionRule
    compared: list[dict]

    def thresholds(self) -> dict:
        """The `thresholds` of config.json."""
        fields = {
            name: getattr(self.detector, name)
            for name in ("method", "threshold", "scale", "offset")
        }
        detector = {name: value for name, value in fields.items() if value is not None}
        return {"is_dog": detector, "prediction_set": vars(self.rule)}


def settle(
    dogs: Answers,
    labels: np.ndarray,
    validation: Answers,
    validation_labels: np.ndarray,
    negatives: Answers | None,
    seed: int,
) -> Trust:
    """Set everything from the answers of a network that has not seen the validation photos.

    Args:
        dogs, labels: Photos that it was trained on, with their classes.
        validation, validation_labels: Photos that it was not trained on.
        negatives: Photos without a dog, if there are any.
        seed: Of the halves and folds.
    """
    temperature = fit_temperature(validation.logits, validation_labels)
    rule = fit_rule(probabilities(validation.logits, temperature), validation_labels, seed)
    detector, compared = fit_detector(dogs, validation, negatives, seed)
    return Trust(temperature, rule, detector, compared)


def answers_of(
    classifier: keras.Model, tail: Tail, boundary: str, features: Features, rows: np.ndarray
) -> Answers:
    """What a network answers in float32, from cached features.

    Args:
        classifier: Network from `classifier_network`; its layers above the boundary are used.
        tail: The fitted layers above the boundary.
        boundary: Where the features were taken.
        features: In the plain view.
        rows: Which photos.
    """
    if boundary == "avg_pool":
        pooled, (kernel, bias) = features[rows].astype(np.float32), tail.weights
        return Answers(pooled @ kernel + bias, pooled)
    tail_network(classifier, boundary).set_weights(tail.weights)
    pooled_output = classifier.get_layer("avg_pool").output
    both = keras.Model(classifier.get_layer(boundary).output, [pooled_output, classifier.output])
    parts = [
        both.predict_on_batch(features[rows[begin : begin + BATCH_SIZE]].astype(np.float32))
        for begin in tqdm(range(0, len(rows), BATCH_SIZE), desc="Answers", unit="batch")
    ]
    pooled, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Answers(logits, pooled)

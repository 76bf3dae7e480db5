"""Photos that visitors can try: those of a folder, or of the bundle."""

import sys
from pathlib import Path

from dogbreed.classifier import DogBreedClassifier
from dogbreed.errors import InvalidImageError, UsageError
from dogbreed.examples import list_examples

# Where `deploy-space --examples` puts them.
DEPLOYED = Path(__file__).parent / "static" / "examples"


def find_examples(classifier: DogBreedClassifier, folder: Path | None) -> list[Path]:
    """The photos to offer, each of which the model answers with a breed.

    Those that it cannot read, or in which it recognizes nothing, are left out with a line on
    standard error: an example that fails is worse than none.

    Args:
        classifier: The model that answers.
        folder: Photos of the user's; if None those that were deployed with the page, else those of
            the bundle.

    Raises:
        UsageError: There is no such folder, or no photo in it can be offered.
    """
    bundle = classifier.bundle
    if folder is None and DEPLOYED.is_dir():
        folder = DEPLOYED
    if folder is None:
        return [path for path in map(bundle.path.joinpath, bundle.examples) if path.is_file()]
    paths = list_examples(folder)
    reasons = {path: _why_not(classifier, path) for path in paths}
    for path, reason in reasons.items():
        if reason:
            print(f"{path} is not offered as an example: {reason}", file=sys.stderr)
    if all(reasons.values()):
        raise UsageError(
            f"No photo in {folder} can be an example; choose photos that the model recognizes."
        )
    return [path for path, reason in reasons.items() if not reason]


def _why_not(classifier: DogBreedClassifier, path: Path) -> str | None:
    try:
        prediction = classifier.predict(path)
    except InvalidImageError as error:
        return str(error)
    return None if prediction.looks_like_dog else "the model recognizes nothing in it."

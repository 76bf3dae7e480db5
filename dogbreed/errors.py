"""What can go wrong, one family: catch `DogBreedError` for all of it.

Each message is one sentence that says what was wrong and what to do about it; the shell prints it
and exits with code 2, the page shows it.
"""


class DogBreedError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidImageError(DogBreedError):
    """Something handed over as a photo is none, or is outside the limits."""


class BundleError(DogBreedError):
    """A model bundle is missing, damaged, or of a format that this version cannot read."""


class HubError(DogBreedError):
    """The Hugging Face Hub cannot be reached, or refuses what was asked of it."""


class DatasetError(DogBreedError):
    """A dataset cannot be loaded, or does not have what training needs."""


class BackboneError(DogBreedError):
    """The pretrained network cannot be had or does not fit."""


class ExportError(DogBreedError):
    """The exported network does not answer like the one that was trained."""


class UsageError(DogBreedError):
    """Options that do not go together."""

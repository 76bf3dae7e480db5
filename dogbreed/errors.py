"""Everything that can go wrong, as one family: catch `DogBreedError` for all of it.

Each message is one sentence that says what was wrong and what to do about it. The shell prints it
and exits with code 2; the page shows it.
"""


class DogBreedError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidImageError(DogBreedError):
    """What was given as a photo is not one, or is outside the limits."""


class BundleError(DogBreedError):
    """A model bundle is missing, damaged, or of a format that this version cannot read."""


class HubError(DogBreedError):
    """The Hugging Face Hub cannot be reached, or refuses a request."""


class DatasetError(DogBreedError):
    """A dataset cannot be loaded, or does not have what training needs."""


class BackboneError(DogBreedError):
    """The pretrained network is not available or does not fit."""


class ExportError(DogBreedError):
    """The exported network does not answer as the trained one does."""


class UsageError(DogBreedError):
    """Options that are wrong, or that do not go together."""

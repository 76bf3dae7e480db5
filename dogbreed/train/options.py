"""The options of a training run, with their defaults."""

import os
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_DATASET = "maurice-fp/stanford-dogs"
# Keras's own weights, downloaded.
IMAGENET = "imagenet"


def default_cache_dir() -> Path:
    """Return `$DOGBREED_CACHE`, else `dogbreed` in the user's cache folder."""
    user_cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("DOGBREED_CACHE", user_cache / "dogbreed"))


@dataclass(frozen=True)
class Options:
    """What `dogbreed train` takes; its `--help` says what each is for."""

    output: Path
    dataset: str = DEFAULT_DATASET
    dataset_revision: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    train_split: str | None = None
    test_split: str | None = None
    validation_per_class: int = 25
    limit_per_class: int | None = None
    not_dogs: str | None = None
    not_dogs_except: list[str] = field(default_factory=list)
    independent: str | None = None
    recipe: str = "features"
    backbone_weights: str = IMAGENET
    image_size: int = 299
    resize: str = "crop"
    train_from: str = "avg_pool"
    augment_views: int = 2
    learning_rate: list[float] = field(default_factory=lambda: [1e-3])
    l2: list[float] = field(default_factory=lambda: [3e-3, 5e-3, 1e-2])
    epochs: int = 40
    patience: int = 10
    blocks_learning_rate: float = 1e-4
    final_fit: bool = True
    seed: int = 42
    init_from: str | None = None
    warm_start: str | None = None
    notes: Path | None = None
    subject: str | None = None
    examples: int = 0
    corrections: str | None = None
    cache_dir: Path = field(default_factory=default_cache_dir)
    ray: str | None = None

    @property
    def out_of_fold(self) -> bool:
        """Whether there are answers of heads that were each fitted without some of the photos."""
        return self.recipe == "features" and self.train_from == "avg_pool"

    def deciding(self) -> dict:
        """Return the options that decide the result, without paths of this machine."""
        names = (
            "recipe validation_per_class limit_per_class not_dogs_except image_size resize "
            "train_from augment_views learning_rate l2 epochs patience blocks_learning_rate "
            "final_fit seed"
        )
        sources = ("init_from", "warm_start", "not_dogs", "independent", "corrections")
        named = {name: getattr(self, name) for name in sources}
        return {name: getattr(self, name) for name in names.split()} | {
            name: public_name(source) if source else None for name, source in named.items()
        }


def public_name(source: str) -> str:
    """Return what a dataset or bundle is called: its id on the Hub, or the name of its folder."""
    return Path(source).resolve().name if Path(source).expanduser().exists() else source

"""A model of three flowers, and whether what is said about it speaks of dogs."""

import re
from pathlib import Path

from tests.helpers.tiny_bundle import LABELS, write_trusted

FLOWERS = dict(zip(LABELS, ("Rose", "Oxeye daisy", "Tulip"), strict=True))
OF_DOGS = {
    "en": r"dog|breed|pupp",
    "de": r"hund|rasse|welpe",
    "es": r"perr|raza|cachorr",
    "fr": r"chien|\brace|chiot",
    "pt": r"\bcão|\bcães|raça|cachorr",
    "ja": r"犬",
    "zh-CN": r"狗|犬|品种",
}
# Names that programs use, whatever a model knows: of the package, fields, options and files.
_NAMES = (
    r"DogBreed\w*|dogbreed|looks_like_dog|is_dog|not_dogs(_except)?|--not-dogs(-except)?"
    r"|dogs_refused|per_breed"
)


def write_flowers(folder: Path) -> Path:
    """Write the bundle: red photos show a rose, blue ones nothing that it knows."""
    return write_trusted(folder, subject="flower", names=FLOWERS)


def speaks_of_dogs(text: str, language: str = "en") -> list[str]:
    """The places of a text that are about dogs, with what is around them.

    Args:
        text: What people read; placeholders in braces are not shown to them.
        language: Of the page.
    """
    text = re.sub(rf"{{\w+}}|(?<!\w)({_NAMES})(?!\w)", "", text)
    return re.findall(rf"(?i).{{0,40}}(?:{OF_DOGS[language]}).{{0,20}}", text)

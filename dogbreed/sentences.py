"""What is said to people about their photos: one table, so that the page can translate it.

English is the original; `page/locales/refusals/` has the other languages of the page.
"""

from typing import Any

ENGLISH = {
    "damaged": "This image is damaged or incomplete; save or download it again.",
    "empty": "This file is empty; choose a photo.",
    "too_large": "This photo is larger than 20 MB; save it smaller and try again.",
    "too_small": "This image is {width}×{height} pixels; it needs at least {least}×{least}.",
    "most_megapixels": "This image has more than {most} megapixels; save it smaller and try again.",
    "megapixels": "This image has {megapixels} megapixels, too many for its format; save it "
    "smaller, or as JPEG, and try again.",
    "megapixels_jpeg": "This image has {megapixels} megapixels, too many for this kind of JPEG; "
    "save it smaller and try again.",
    "megapixels_avif": "This image has too many megapixels for AVIF; save it smaller and try "
    "again.",
    "rare_jpeg": "This is a JPEG of a rare kind, which is not supported; save it as an ordinary "
    "JPEG or PNG and try again.",
    "rare_heif": "This is a HEIF photo of a rare kind, which is not supported; save it as JPEG "
    "and try again.",
    "run_length_bmp": "This is a BMP file with run-length encoding, which is not supported; save "
    "it as PNG and try again.",
    "mostly_missing": "Most of this photo is missing; download or copy it again.",
    "raw": "This is a raw camera file ({kind}), not a finished photo; export it as JPEG and try "
    "again.",
    "video": "This is a video, not a photo; save a single frame as JPEG and try again.",
    "other": "This is {what}, which is not supported; save it as JPEG or PNG and try again.",
    "web_page": "This is a web page, not a photo; save the photo itself and try again.",
    "pointer": "This is a pointer to a file in Git LFS, not a photo; run git lfs pull first.",
    "unknown": "This file is not an image that can be read; use {supported}.",
    # Notes on photos that could be read.
    "last_missing": "The last {percent}% of this photo could not be read.",
    "end_missing": "The end of this file is missing, so the photo may lack detail.",
    # Of the page.
    "gone": "This photo has been deleted from the server; upload it again.",
    "no_photo": "There is no photo in this request; send one.",
    "not_uploaded": "This is not a photo that was uploaded to this page; upload it first.",
    "not_fetched": "This page does not fetch photos from web addresses; upload the photo instead.",
    "not_base64": "The data of this photo cannot be decoded; send it in base64.",
    "not_readable": "This request cannot be read; see the examples on the API tab.",
    "no_room": "The server has no room for this at present; try again later.",
}


class Sentence(str):
    """An English sentence that knows how it was made, so that it can be said in another language.

    Attributes:
        key: Its template in `ENGLISH`.
        fields: What the template is filled with; other languages may need other ones.
    """

    key: str
    fields: dict[str, Any]

    def __new__(cls, key: str, **fields: Any) -> "Sentence":
        """Fill a template."""
        sentence = super().__new__(cls, ENGLISH[key].format(**fields))
        sentence.key, sentence.fields = key, fields
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        """How a copy in another process is made."""
        return (self.key,), self.fields

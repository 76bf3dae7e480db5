"""What `/openapi.json` says about the two routes for programs."""

from typing import Any

from dogbreed.images.kinds import SUPPORTED
from dogbreed.subject import Terms, terms

_NUMBER = {"type": "number", "minimum": 0, "maximum": 1}
_PHOTO = {"type": "string", "format": "binary"}
_SENTENCE = {
    "application/json": {
        "schema": {
            "type": "object",
            "required": ["detail"],
            "properties": {"detail": {"type": "string", "description": "One sentence."}},
        }
    }
}
_REFUSALS = {
    401: "The page asks for a login, and there is none.",
    413: "The photo is larger than 20 MB.",
    415: "The content type is not that of a photo or a form.",
    422: "This is not a photo, or it cannot be read.",
    503: "Too many photos are waiting.",
}
# For `/api/health`.
HEALTH: dict[str, Any] = {
    "summary": "Whether the page runs",
    "description": "Answers once the model is loaded; needs no login.",
    "operation_id": "health",
    "response_model": None,
    "responses": {
        200: {
            "description": "It does.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": {"status": {"const": "ok"}}}
                }
            },
        }
    },
}


def predict_route(subject: str) -> dict[str, Any]:
    """The arguments of `fastapi.routing.APIRoute` for `/api/predict`.

    Args:
        subject: What the photos of the model show.
    """
    words = terms(subject)
    return {
        "summary": f"Identify {words.asked} in a photo",
        "description": (
            f"Takes one photo in {SUPPORTED}, at most 20 MB, as the field "
            "`photo` of a form or as the body of the request. Returns the three most probable "
            f"{words.kinds}, whether the photo shows {words.shown}, and the {words.kinds} "
            "that include the correct one."
        ),
        "operation_id": "predict",
        "response_model": None,
        "responses": {
            200: {
                "description": "The answer.",
                "content": {"application/json": {"schema": _answer(words)}},
            },
            **{
                status: {"description": description, "content": _SENTENCE}
                for status, description in _REFUSALS.items()
            },
        },
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["photo"],
                            "properties": {"photo": _PHOTO},
                        }
                    },
                    "image/*": {"schema": _PHOTO},
                    "application/octet-stream": {"schema": _PHOTO},
                },
            }
        },
    }


def _answer(words: Terms) -> dict[str, Any]:
    """The schema of an answer."""
    names = {"type": "array", "items": {"type": "string"}}
    label = {
        "type": "object",
        "required": ["name", "label", "probability"],
        "properties": {
            "name": {"type": "string", "description": "Its name for people."},
            "label": {"type": "string", "description": "Its name in the training data."},
            "probability": _NUMBER,
        },
    }
    properties = {
        "labels": {
            "type": "array",
            "description": f"The three most probable {words.kinds}, best first.",
            "items": label,
        },
        "is_dog": {
            **_NUMBER,
            "nullable": True,
            "description": f"The probability that the photo shows {words.shown}, null if unknown.",
        },
        "looks_like_dog": {
            "type": "boolean",
            "description": f"Whether the photo shows {words.shown}.",
        },
        "prediction_set": {
            **names,
            "description": f"The {words.kinds} that include the correct one with the confidence "
            "coverage.",
        },
        "coverage": {**_NUMBER, "nullable": True},
        "often_confused_with": {
            **names,
            "description": f"The {words.kinds} that the first one was confused with on test "
            "photos, most often first.",
        },
        "note": {
            "type": "string",
            "nullable": True,
            "description": "What a person should know about the photo.",
        },
    }
    return {"type": "object", "required": [*properties], "properties": properties}

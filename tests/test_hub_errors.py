"""Each error of the Hub's client becomes one sentence that says what to do."""

import errno
import json

import httpx2
import pytest
from huggingface_hub import ModelInfo, constants, errors

from dogbreed.errors import HubError
from dogbreed.hub.errors import explain, is_unreachable, translated_errors
from tests.helpers.tiny_bundle import assert_one_sentence


def refusal(
    status: int,
    kind: type[errors.HfHubHTTPError] = errors.HfHubHTTPError,
    message: str = "because",
    **headers: str,
) -> errors.HfHubHTTPError:
    """The error that the client raises for an answer of the Hub."""
    request = httpx2.Request("GET", f"{constants.ENDPOINT}/api/models/ann/dogs")
    response = httpx2.Response(status, headers=headers, request=request)
    return kind(f"{status} Client Error", response=response, server_message=message)


def wrapped(cause: Exception, outer: Exception) -> Exception:
    outer.__cause__ = cause
    return outer


SENTENCES = {
    "gated, signed in": (refusal(403, errors.GatedRepoError), "access; request access at http"),
    "gated": (refusal(401, errors.GatedRepoError), "sign in with `hf auth login` and request"),
    "missing": (refusal(404, errors.RepositoryNotFoundError), "There is no model ann/dogs on"),
    "no such revision": (refusal(404, errors.RevisionNotFoundError), "branch, tag or commit v1;"),
    "a bad token": (refusal(401), "does not accept your token"),
    "money": (refusal(402), "requires a subscription for the model ann/dogs (because)"),
    "no right": (refusal(403), "does not permit that for the model ann/dogs (because)"),
    "changed": (refusal(412), "The model ann/dogs has changed in the meantime"),
    "a limit": (refusal(429), "too many requests from you; try again later."),
    "a limit with a time": (refusal(429, **{"Retry-After": "7"}), "try again in 7 seconds."),
    "unavailable": (
        refusal(503),
        "The Hub is temporarily unavailable (error 503); try again in a few minutes.",
    ),
    "another status": (refusal(400, message="No.\nNot so."), "refuses the model ann/dogs: No."),
    "a bad name": (errors.HFValidationError("no"), "not a possible name of a model on the Hub"),
    "not signed in": (errors.LocalTokenNotFoundError(), "run `hf auth login` or set HF_TOKEN."),
    "no network": (httpx2.ConnectError("refused"), "cannot be reached (refused); check the"),
    "no network, no message": (httpx2.ReadTimeout(""), "cannot be reached (ReadTimeout);"),
    "offline": (errors.OfflineModeIsEnabled("offline"), "cannot be reached (offline);"),
    "an upload that was cut off": (
        wrapped(httpx2.WriteError("broken pipe"), RuntimeError("Error while uploading")),
        "cannot be reached (broken pipe);",
    ),
    "not in the cache": (
        wrapped(refusal(503), errors.LocalEntryNotFoundError("not here")),
        "temporarily unavailable (error 503)",
    ),
    "a bad card": (
        ValueError('Invalid metadata in README.md.\n- "license" must be a string'),
        'rejects the README.md of ann/dogs ("license" must be a string);',
    ),
    "an answer that is not JSON": (
        json.JSONDecodeError("Expecting value", "<html>", 0),
        "is not the Hub); check the connection, the proxy settings and HF_ENDPOINT.",
    ),
    "an answer without a commit": (errors.FileMetadataError("no header"), "is not the Hub)"),
    "redirects without end": (httpx2.TooManyRedirects("Exceeded 20"), "cannot be reached (Exceed"),
    "an unwritable cache": (
        PermissionError(errno.EACCES, "Permission denied", f"{constants.HF_HUB_CACHE}/models"),
        f"The cache {constants.HF_HUB_CACHE} cannot be written (Permission denied); make",
    ),
    "a full disk": (OSError(errno.ENOSPC, "No space left on device"), "(No space left on device)"),
    "a file of ours": (
        PermissionError(errno.EACCES, "Permission denied", "/model/model.tflite"),
        "went wrong with the model ann/dogs: [Errno 13] Permission denied: '/model/model.tflite'",
    ),
    "a token with an accent": (
        UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
        "Your token contains characters that no token contains;",
    ),
    "secrets": (
        OSError("hf_abc at http://ann:word@proxy:8080"),
        "went wrong with the model ann/dogs: *** at http://***@proxy:8080.",
    ),
    "escape sequences": (OSError("\x1b[2Jred\x07"), "model ann/dogs: ?[2Jred?."),
    "anything else": (OSError("odd.\nIndeed."), "went wrong with the model ann/dogs: odd."),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_each_error_is_one_sentence(case):
    error, expected = SENTENCES[case]
    with pytest.raises(HubError) as raised, translated_errors("ann/dogs", revision="v1"):
        raise error
    assert expected in str(raised.value)
    assert raised.value.__cause__ is error
    assert_one_sentence(str(raised.value))


def test_a_space_is_called_a_space_and_has_its_own_page():
    missing = refusal(404, errors.RepositoryNotFoundError)
    assert "There is no Space ann/page" in str(explain(missing, "ann/page", "space"))
    unknown = refusal(404, errors.RevisionNotFoundError)
    page = f"{constants.ENDPOINT}/spaces/ann/page/commits/main"
    assert page in str(explain(unknown, "ann/page", "space", "v1"))


def test_an_answer_that_the_client_cannot_read_is_not_the_hubs():
    with pytest.raises(HubError, match="is not the Hub") as raised, translated_errors("ann/dogs"):
        ModelInfo(error="portal")
    assert_one_sentence(str(raised.value))


def test_what_is_not_the_clients_passes():
    with pytest.raises(KeyError), translated_errors("ann/dogs"):
        raise KeyError("a bug")
    with translated_errors("ann/dogs"):
        pass


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_hub_is_unreachable(status):
    assert is_unreachable(refusal(status))


@pytest.mark.parametrize(
    "error",
    [
        httpx2.ConnectTimeout(""),
        errors.OfflineModeIsEnabled("offline"),
        httpx2.TooManyRedirects("Exceeded 20"),
        errors.FileMetadataError("no header"),
        wrapped(httpx2.ConnectError("refused"), errors.LocalEntryNotFoundError("not here")),
    ],
)
def test_without_a_network_the_hub_is_unreachable(error):
    assert is_unreachable(error)


@pytest.mark.parametrize(
    "error",
    [refusal(401), refusal(404), OSError("disk"), httpx2.LocalProtocolError("header"), None],
)
def test_a_refusal_is_an_answer(error):
    assert not is_unreachable(error)

"""Proxies, portals and tokens as people have them: each works, or is one sentence."""

import pytest

from tests.helpers.on_hub import put, tiny
from tests.helpers.shell import Shell
from tests.helpers.socks import socks_proxy
from tests.helpers.tiny_bundle import assert_one_sentence


def test_a_model_is_pushed_and_loaded_through_a_socks_proxy(hub, ann, photo, tmp_path):
    model = tiny(tmp_path)
    with socks_proxy() as (proxy, targets):
        run = ann.dogbreed("push", model, "ann/dogs", ALL_PROXY=proxy)
        assert run.code == 0, run.err
        run = ann.dogbreed("predict", photo, "--model=ann/dogs", ALL_PROXY=proxy)
        assert run.code == 0, run.err
    assert run.out.startswith("Red disc: ")
    assert {hub.endpoint.removeprefix("http://"), hub.cdn.removeprefix("http://")} == set(targets)


PROXIES = {
    "nobody listens": ({"ALL_PROXY": "socks5://127.0.0.1:9"}, "cannot be reached"),
    "an unknown kind": ({"ALL_PROXY": "gopher://127.0.0.1:9"}, "proxy"),
    "a secret": ({"ALL_PROXY": "gopher://ann:pa55word@127.0.0.1:9"}, "proxy"),
}


@pytest.mark.parametrize("command", ["push", "predict"])
@pytest.mark.parametrize("case", PROXIES)
def test_a_proxy_that_does_not_work_is_one_sentence(
    case, command, hub, ann, photo, tmp_path, record_property
):
    environ, expected = PROXIES[case]
    model = tiny(tmp_path)
    arguments = {"push": (model, "ann/dogs"), "predict": (photo, "--model=ann/dogs")}
    run = ann.dogbreed(command, *arguments[command], **environ)
    record_property("failure", f"{command}: proxy, {case}")
    record_property("sentence", run.last)
    assert run.code == 2 and expected in run.last and "pa55word" not in run.err
    assert_one_sentence(run.last)


def test_without_the_package_for_socks_the_sentence_names_it(hub, ann, photo, tmp_path):
    (tmp_path / "socksio").mkdir()
    (tmp_path / "socksio" / "__init__.py").write_text("raise ImportError('No module socksio')\n")
    environ = {"ALL_PROXY": "socks5://127.0.0.1:9", "PYTHONPATH": str(tmp_path)}
    run = ann.dogbreed("predict", photo, "--model=ann/dogs", **environ)
    assert run.code == 2 and "`pip install socksio`" in run.last
    assert_one_sentence(run.last)


PORTALS = {
    "a page of its own": {"status": 200, "headers": {"content-type": "text/html"}},
    "a login page": {"status": 302, "headers": {"Location": "http://portal.example/login"}},
}


@pytest.mark.parametrize("case", PORTALS)
def test_a_portal_in_place_of_the_hub_is_no_network(case, hub, ann, photo, tmp_path):
    put(hub, "ann/dogs", tiny(tmp_path))
    hub.fail_next(times=None, **PORTALS[case])
    command = ("predict", photo, "--model=ann/dogs")
    run = ann.dogbreed(*command)
    assert run.code == 2 and "what answers at" in run.last and "is not in the cache" in run.last
    assert_one_sentence(run.last)
    hub.clear_faults()
    online = ann.dogbreed(*command)
    hub.fail_next(times=None, **PORTALS[case])
    run = ann.dogbreed(*command)
    assert (run.code, run.out) == (0, online.out)
    assert "using the cached copy of ann/dogs" in run.err


@pytest.mark.parametrize("command", ["push", "predict"])
@pytest.mark.parametrize("token", ["hf_ännchen", "hf_“ann”", "hf_a\0nn"])
def test_a_token_that_cannot_be_one_is_blamed(
    token, command, hub, ann, photo, tmp_path, record_property
):
    model = tiny(tmp_path)
    put(hub, "ann/cats", model)
    arguments = {"push": (model, "ann/dogs"), "predict": (photo, "--model=ann/cats")}
    # Where `hf auth login` writes it; the environment can contain no zeros.
    ann.home.mkdir()
    (ann.home / "token").write_text(token, encoding="utf-8")
    run = Shell(hub, ann.home).dogbreed(command, *arguments[command])
    record_property("failure", f"{command}: token {token!r}")
    record_property("sentence", run.last)
    assert run.code == 2
    assert "Your token contains characters that no token contains" in run.last
    assert token not in run.out + run.err and "hf_a" not in run.last
    assert_one_sentence(run.last)

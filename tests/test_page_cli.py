"""Options of the page that depend on where it runs."""

import pytest

from dogbreed.page.cli import is_mcp_wanted


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, False),
        ({"GRADIO_MCP_SERVER": "True"}, True),
        ({"GRADIO_MCP_SERVER": "false"}, False),
        ({"SPACE_ID": "ann/page"}, True),
        ({"SPACE_ID": "ann/page", "GRADIO_MCP_SERVER": "False"}, False),
    ],
)
def test_gradios_variable_and_a_space_make_the_page_an_mcp_server(environ, wanted, monkeypatch):
    pytest.importorskip("mcp")
    for name in ("SPACE_ID", "GRADIO_MCP_SERVER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert is_mcp_wanted(auth=False) == wanted


def test_a_space_with_a_login_is_served_without_mcp(monkeypatch, capsys):
    monkeypatch.setenv("SPACE_ID", "ann/page")
    assert not is_mcp_wanted(auth=True)
    assert capsys.readouterr().err.startswith("The page is not an MCP server: --mcp does not work")

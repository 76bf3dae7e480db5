"""A client of the page's MCP tools."""

import base64
from pathlib import Path

from tests.helpers.coroutine import run


def call_tool(address: str, photo: Path | str) -> str:
    """Ask the tool `predict` about a photo.

    Args:
        address: Of the page.
        photo: A file, which is sent as data; or what is sent instead.

    Returns:
        The text of the answer, also if it is an error.
    """
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    if isinstance(photo, Path):
        photo = f"data:image/png;base64,{base64.b64encode(photo.read_bytes()).decode()}"

    async def ask() -> str:
        async with (
            streamablehttp_client(f"{address}/gradio_api/mcp/") as (receive, send, _),
            ClientSession(receive, send) as session,
        ):
            await session.initialize()
            tool, _ = (await session.list_tools()).tools
            answer = await session.call_tool(tool.name, {"photo": photo})
            return answer.content[0].text

    return run(ask())

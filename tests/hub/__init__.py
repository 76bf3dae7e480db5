"""A Hugging Face Hub on this computer; see `LocalHub`."""

from tests.hub.server import MIB, LocalHub

__all__ = ["MIB", "LocalHub"]

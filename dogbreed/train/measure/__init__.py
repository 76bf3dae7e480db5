"""How good a bundle is, and which labels look wrong."""

"""The backbone, its features, and the layers that are fitted on them."""

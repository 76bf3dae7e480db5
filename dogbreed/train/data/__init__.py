"""Photos and their classes: read, checked, and cut into splits."""

"""The page without a server: static files that answer photos in the visitor's browser."""

"""The web page; only here is Gradio imported."""

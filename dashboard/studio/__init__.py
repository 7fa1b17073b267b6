"""The translation studio: a Gradio application under ``/studio``."""

"""Gradio's part of the page: the mount point of the canvas application."""

"""GGVE at the paper's size, on diffusers' Wan 2.1 as it is. Nothing outside this package and `engine.views.external` knows diffusers."""

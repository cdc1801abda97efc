"""Intent to router configuration text, through the templates operators may edit."""

from controller.render.jinja import JinjaRenderer

__all__ = ["JinjaRenderer"]

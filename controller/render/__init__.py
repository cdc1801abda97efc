"""Intent to router configuration text, through the templates operators may edit."""

from controller.render.templates import TemplateRenderer

__all__ = ["TemplateRenderer"]

"""Renders intents through the Jinja2 templates that operators may edit."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from dataclasses import fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from controller.core.model import (
    AsPathList,
    Attachment,
    CommunityList,
    Knobs,
    PrefixList,
    RolePolicy,
    Router,
    RouterIntent,
    Term,
)
from controller.ports import RenderError
from controller.render.frr import frr_communities, frr_large_communities

_VALUES = frozenset(
    {
        RouterIntent,
        Router,
        PrefixList,
        AsPathList,
        CommunityList,
        RolePolicy,
        Term,
        Knobs,
        Attachment,
        IPv4Network,
        IPv6Network,
        Namespace,
    }
)
_OBJECT = re.compile(r"'[\w.]*\b(\w+) object'")  # where in our code a value's class stands helps nobody
_SEE = "templates/README.md says what a template may use"
_FILTERS = {"frr_communities": frr_communities, "frr_large_communities": frr_large_communities}


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, which knows the values it is given: nothing public of theirs can do harm.

    Halves the time of a rendering; everything else is left to Jinja's own judgement.
    """

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read this attribute."""
        if type(obj) in _VALUES:
            return not attr.startswith("_")
        return super().is_safe_attribute(obj, attr, value)


class JinjaRenderer:
    """A ``ports.Renderer`` over a folder of templates: ``<folder>/<platform>/main.j2`` and what it includes.

    Templates see one value, the frozen ``intent``; they cannot change it, and a name that does not exist is
    an error. Files are read again when they change, so a running controller follows its operators' edits.
    """

    def __init__(self, templates: Path, folders: Mapping[str, str] | None = None) -> None:
        """``folders`` names the folder of a platform where it is not the platform's own name."""
        self._templates = templates
        self._folders = folders or {}
        self._environment = _Environment(
            loader=FileSystemLoader(templates),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # router configuration, not HTML
        )
        self._environment.filters.update(_FILTERS)

    def render(self, intent: RouterIntent) -> str:
        """Configuration text of everything the controller owns on that router.

        Raises RenderError, which names the template's file and line and what to do.
        """
        platform = intent.router.platform
        main = f"{self._folders.get(platform, platform)}/main.j2"
        try:
            return self._environment.get_template(main).render(intent=intent)
        except TemplateNotFound as error:
            raise RenderError(
                f"{self._templates / (error.name or main)}: no such template (router {intent.router.name}, "
                f"platform {platform}): add it, or correct the platform in hosts.yaml"
            ) from error
        except TemplateSyntaxError as error:
            place = f"{error.filename or main}:{error.lineno}"
            raise RenderError(f"{place}: {error.message}: correct the template") from error
        except UndefinedError as error:
            known = ", ".join(f"intent.{field.name}" for field in fields(intent))
            said = _OBJECT.sub(r"'\1'", error.message or "")
            raise self._error(error, main, intent, f"{said}: there is {known}; {_SEE}") from error
        except SecurityError as error:
            raise self._error(
                error, main, intent, f"{str(error).rstrip('.')}: templates may only read values; {_SEE}"
            ) from error
        except Exception as error:  # a template is somebody's program: it can raise anything
            raise self._error(error, main, intent, f"{type(error).__name__}: {error}; {_SEE}") from error

    def _error(self, error: Exception, main: str, intent: RouterIntent, text: str) -> RenderError:
        return RenderError(
            f"{self._place(error) or self._templates / main}: {text} (router {intent.router.name})"
        )

    def _place(self, error: Exception) -> str | None:
        """File and line of the innermost template that was running: Jinja writes them into the traceback."""
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if Path(frame.filename).is_relative_to(self._templates)]
        return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else None

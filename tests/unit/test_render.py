"""What operators are told when a template is broken."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.intent import intents
from controller.core.model import Router, RouterIntent
from controller.ports import RenderError
from controller.render import JinjaRenderer
from controller.render.frr import frr_communities, frr_large_communities
from tests.role_samples import CALM, assignment, policy

INTENT: RouterIntent = intents(policy(), assignment(residential=CALM))["edge1"]


def said(folder: Path, text: str) -> str:
    """What the renderer says about this main template."""
    (folder / "frr").mkdir()
    (folder / "frr" / "main.j2").write_text(text)
    with pytest.raises(RenderError) as caught:
        JinjaRenderer(folder).render(INTENT)
    return str(caught.value)


def test_an_unknown_name_is_told_with_file_line_and_what_there_is(tmp_path: Path) -> None:
    assert said(tmp_path, "ok\n{{ intent.rooter.asn }}\n") == (
        f"{tmp_path}/frr/main.j2:2: 'RouterIntent' has no attribute 'rooter': there is "
        "intent.router, intent.prefix_lists, intent.policies, intent.attachments, "
        "intent.as_path_lists, intent.community_lists; templates/README.md says what a template may use (router edge1)"
    )


def test_a_mistake_in_an_included_file_is_told_with_that_file(tmp_path: Path) -> None:
    (tmp_path / "part.j2").write_text("\n\n{{ 1 / 0 }}\n")
    assert said(tmp_path, '{% include "part.j2" %}\n').startswith(f"{tmp_path}/part.j2:3: ZeroDivisionError")


def test_a_syntax_error_is_told_with_file_and_line(tmp_path: Path) -> None:
    assert said(tmp_path, "\n{% if %}\n").startswith(f"{tmp_path}/frr/main.j2:2: Expected an expression")


def test_a_missing_include_is_told(tmp_path: Path) -> None:
    assert said(tmp_path, '{% include "gone.j2" %}').startswith(f"{tmp_path}/gone.j2: no such template")


def test_a_template_cannot_reach_behind_its_values(tmp_path: Path) -> None:
    assert "unsafe: templates may only read values" in said(tmp_path, "{{ intent.__class__.__mro__ }}")


def test_a_platform_without_templates_is_told() -> None:
    intent = replace(INTENT, router=Router("edge9", "nos", 64500))
    with pytest.raises(RenderError, match=r"nos/main\.j2: no such template \(router edge9, platform nos\)"):
        JinjaRenderer(Path("templates")).render(intent)


def test_an_edited_template_counts_at_the_next_rendering(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    template = tmp_path / "box" / "main.j2"
    template.write_text("before")
    renderer = JinjaRenderer(tmp_path, {"frr": "box"})
    assert renderer.render(INTENT) == "before"
    template.write_text("and after")
    assert renderer.render(INTENT) == "and after"


def test_communities_are_written_as_frr_prints_them() -> None:
    given = ("65535:666", "no-advertise", "64501:20", "65535:0", "1:1", "64501:20", "64501:2:2", "64501:1:2")
    assert frr_communities(given) == ["1:1", "64501:20", "graceful-shutdown", "blackhole", "no-advertise"]
    assert frr_large_communities(given) == ["64501:2:2", "64501:1:2"]


@pytest.mark.parametrize("community", ["65536:1", "1", "", "a:b", "1:2:3:4"])
def test_what_is_no_community_is_named(community: str) -> None:
    with pytest.raises(ValueError, match=f"{community!r} is neither a community"):
        frr_communities((community,))

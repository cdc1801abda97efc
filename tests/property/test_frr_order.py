"""Any configuration can be reached from any other, in an order that never hurts on the way.

A small model of FRR takes the commands: what it refuses, drops silently or keeps by half is what FRR 8.4 was seen
to do. It shares no code with the driver but the parser.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from napalm_frr.candidate import load
from napalm_frr.lines import Line, emit, parse
from napalm_frr.order import commands

BGP = "router bgp 64500"
FAMILIES = ("address-family ipv4 unicast", "address-family ipv6 unicast")
PEERS = ("198.18.1.1", "198.18.2.1", "2001:db8:501:1::1")
MAPS = ("IN", "OUT", "ROLE")
LISTS = ("OWN", "MORE")
SINGLE = ("set local-preference", "set as-path prepend", "match ip address", "call")

Settings = dict[tuple[tuple[str, ...], str], str]


def one_of_each(*settings: list[str]) -> st.SearchStrategy[list[str]]:
    """For each setting one of its values, or none."""
    choices = [st.sampled_from(["", *values]) for values in settings]
    return st.tuples(*choices).map(lambda lines: [line for line in lines if line])


@st.composite
def configurations(draw: st.DrawFn) -> str:
    lines: list[Line] = []
    lists = draw(st.lists(st.sampled_from(LISTS), unique=True))
    for name in lists:
        contents = draw(
            st.lists(
                st.sampled_from(["permit any", "deny 203.0.113.0/25", "permit 192.0.2.0/24"]),
                min_size=1,
                unique=True,
            )
        )
        numbers = draw(
            st.lists(st.integers(1, 4), min_size=len(contents), max_size=len(contents), unique=True)
        )
        for number, content in sorted(zip(numbers, contents, strict=True)):
            lines.append(Line((), f"ip prefix-list {name} seq {number * 5} {content}"))
    maps: list[str] = []
    for name in draw(st.lists(st.sampled_from(MAPS), unique=True)):
        for number in draw(st.lists(st.sampled_from([10, 20]), min_size=1, unique=True)):
            opener = f"route-map {name} {draw(st.sampled_from(['permit', 'deny']))} {number}"
            lines.append(Line((), opener))
            body = draw(
                one_of_each(
                    ["set local-preference 100", "set local-preference 300"],
                    ["set as-path prepend 64500", "set as-path prepend 64500 64500"],
                    [f"match ip address prefix-list {each}" for each in lists],
                    [f"call {each}" for each in maps],
                )
            )
            lines += [Line((opener,), text) for text in body]
        maps.append(name)
    if draw(st.booleans()):
        lines.append(Line((), BGP))
        peers = draw(st.lists(st.sampled_from(PEERS), unique=True))
        for peer in peers:
            lines.append(Line((BGP,), f"neighbor {peer} remote-as 64501"))
            said = draw(one_of_each([f"neighbor {peer} description {word}" for word in ("one", "two words")]))
            lines += [Line((BGP,), text) for text in said]
        for family in FAMILIES:
            body = draw(
                one_of_each(["redistribute static", *(f"redistribute static route-map {m}" for m in maps)])
            )
            for peer in peers:
                body += draw(
                    one_of_each(
                        [f"neighbor {peer} next-hop-self", f"neighbor {peer} next-hop-self force"],
                        [f"neighbor {peer} route-map {name} in" for name in maps],
                        [f"neighbor {peer} route-map {name} out" for name in maps],
                    )
                )
            if body:
                lines.append(Line((BGP,), family))
            lines += [Line((BGP, family), text) for text in body]
    return "frr version 8.4.4\n" + emit(lines)


class Model:
    """What FRR does with each command, as far as these configurations go."""

    def __init__(self, config: str) -> None:
        self.lines = dict.fromkeys(parse(config))

    def texts(self, context: tuple[str, ...] = ()) -> list[str]:
        return [line.text for line in self.lines if line.context == context]

    def drop(self, pattern: str, context: tuple[str, ...]) -> bool:
        gone = [line for line in self.lines if line.context == context and re.fullmatch(pattern, line.text)]
        for line in gone:
            del self.lines[line]
            for inner in [each for each in self.lines if each.context[: len(context) + 1] == line.path]:
                del self.lines[inner]
        return bool(gone)

    def enter(self, line: Line) -> None:
        if line.context and line.context[-1].startswith("route-map"):
            assert line.context[-1] in self.texts(), f"{line}: the entry does not exist"
        if line.text.startswith("no "):
            self.remove(line.context, line.text.removeprefix("no "))
        else:
            self.add(line)
        defined = {text.split()[1] for text in self.texts() if text.startswith("route-map ")}
        for each in self.lines:
            name = re.search(
                r"neighbor \S+ route-map (\S+) |redistribute static route-map (\S+)|call (\S+)",
                f"{each.text} ",
            )
            assert not name or set(filter(None, name.groups())) <= defined, (
                f"after {line}: {each} has no such map"
            )

    def remove(self, context: tuple[str, ...], text: str) -> None:
        whole_neighbor = re.fullmatch(r"neighbor (\S+)", text)
        if whole_neighbor:
            assert self.drop(rf"neighbor {whole_neighbor[1]} remote-as .*", (BGP,)), (
                f"no {text}: there is none"
            )
            for each in [(BGP,), *((BGP, family) for family in FAMILIES)]:
                self.drop(rf"neighbor {whole_neighbor[1]} .*", each)
        else:
            assert not re.match(r"set as-path prepend .", text), "FRR 8.4 refuses that"
            shortened = text == "set as-path prepend" or text.endswith(" description")
            assert self.drop(re.escape(text) + (" .*" if shortened else ""), context), (
                f"no {text}: there is none"
            )

    def add(self, line: Line) -> None:
        context, text = line.context, line.text
        if " prefix-list " in text and not context:
            _, content = re.split(r"(?<=seq) \d+ ", text)
            name = text.split(" seq ")[0]
            if any(re.fullmatch(rf"{name} seq \d+ {re.escape(content)}", each) for each in self.texts()):
                return  # dropped without a word
            self.drop(re.escape(text.removesuffix(content)) + ".*", ())
        elif text.startswith("route-map "):
            self.other_action(text)
        elif text.startswith("neighbor "):
            self.neighbor(context, text)
        elif text.startswith("redistribute "):
            if (
                any(each.startswith("redistribute static") for each in self.texts(context))
                and "route-map" not in text
            ):
                return  # keeps the route-map that it has
            self.drop(r"redistribute static.*", context)
        elif context and text not in FAMILIES:
            single = next(each for each in SINGLE if text.startswith(each))
            self.drop(f"{single} .*", context)
        self.lines[line] = None

    def other_action(self, text: str) -> None:
        """Entering an entry with another action keeps what is inside."""
        _, name, action, number = text.split()
        other = Line((), f"route-map {name} {'deny' if action == 'permit' else 'permit'} {number}")
        if other in self.lines:
            del self.lines[other]
            for each in [each for each in self.lines if each.context == other.path]:
                del self.lines[each]
                self.lines[Line((text,), each.text)] = None

    def neighbor(self, context: tuple[str, ...], text: str) -> None:
        _, peer, what, *rest = text.split()
        if what != "remote-as":
            assert f"neighbor {peer} remote-as 64501" in self.texts((BGP,)), (
                f"{text}: specify remote-as first"
            )
        if what == "route-map":
            self.drop(rf"neighbor {peer} route-map \S+ {rest[1]}", context)
        elif what in {"description", "remote-as"}:
            self.drop(rf"neighbor {peer} {what} .*", context)

    def settings(self) -> set[Line]:
        """What would be shown: a family without lines is not."""
        return {line for line in self.lines if line.text not in FAMILIES}


def without_families(config: str) -> set[Line]:
    return {line for line in parse(config) if line.text not in FAMILIES}


@given(configurations(), configurations())
def test_the_commands_lead_from_any_configuration_to_any_other(before: str, after: str) -> None:
    candidate = load(before, after, "", replaces=True)
    model = Model(before)
    for line in commands(candidate.before, candidate.after):
        model.enter(line)
    assert model.settings() == without_families(after)


@given(configurations(), configurations())
def test_the_way_back_is_as_good(before: str, after: str) -> None:
    candidate = load(before, after, "", replaces=True)
    model = Model(after)
    for line in commands(candidate.after, candidate.before):
        model.enter(line)
    assert model.settings() == without_families(before)


@given(configurations(), configurations())
def test_merging_leaves_what_the_candidate_does_not_speak_of_and_a_second_time_changes_nothing(
    before: str, candidate: str
) -> None:
    once = load(before, candidate, "", replaces=False)
    again = load(once.text(), candidate, "", replaces=False)
    assert not again.changed
    assert {line.text for line in parse(candidate)} <= {line.text for line in once.after.lines()}


@given(configurations())
def test_text_and_structure_are_two_forms_of_the_same(config: str) -> None:
    assert emit(parse(emit(parse(config)))) == emit(parse(config))
    assert without_families(emit(parse(config))) == without_families(config)
    flat = "\n".join(line.strip() for line in config.split("\n"))
    assert parse(flat) == parse(config)


@given(configurations(), configurations())
def test_what_stays_attached_or_alive_is_never_taken_away_in_between(before: str, after: str) -> None:
    candidate = load(before, after, "", replaces=True)
    stays = {re.sub(r"route-map \S+", "route-map", " / ".join(line.path)) for line in parse(after)}
    for line in commands(candidate.before, candidate.after):
        text = line.text.removeprefix("no ")
        if text != line.text and text.startswith("neighbor "):
            here = (*line.context, f"{text} remote-as 64501" if len(text.split()) == 2 else text)
            assert re.sub(r"route-map \S+", "route-map", " / ".join(here)) not in stays


@given(st.text(alphabet="abc !#\n\t0./:-", max_size=200), configurations())
def test_no_text_makes_the_parser_stumble(noise: str, config: str) -> None:
    for text in (noise, config + noise, noise + config):
        lines = parse(text)
        assert all(line.text for line in lines)
        load(config, text, "", replaces=False).diff()

"""Schema of ``stability`` in ``policy.yaml``: when a move may happen."""

from typing import Annotated, Literal

from pydantic import Field

from controller.config.scalars import Duration, Rate
from controller.config.spec import Spec
from controller.config.time_file import WindowName
from controller.core.stability import MOST_MOVES


class BlockSpec(Spec):
    """When routine moves of a class stop until a person has looked."""

    moves: Annotated[int, Field(ge=1, le=MOST_MOVES)] = Field(
        description=(
            "after so many moves of the class that nobody ordered. Whatever makes it move that often wants a "
            "person; a dead path is left all the same"
        ),
        examples=[4],
    )
    within: Duration = Field(
        description="so close together. Moves that are further apart are no sign of trouble", examples=["2h"]
    )


class FailBackSpec(Spec):
    """When traffic returns to a link that failed."""

    clean: Duration = Field(
        description=(
            "after this long without trouble. A repair often comes back broken, and returning costs a move"
        ),
        examples=["60s"],
    )
    doubles_up_to: Duration = Field(
        description=(
            "each further failure doubles that, up to this. A link that flaps is trusted less and less, "
            "but never given up"
        ),
        examples=["1h"],
    )
    forgotten_after: Duration = Field(
        description=(
            "failures are forgotten after this long without one. From then on 'clean' alone is waited for"
        ),
        examples=["2h"],
    )
    mode: Literal["auto", "manual"] = Field(
        default="auto",
        description=(
            "whether a class returns by itself to what it had to leave, or once somebody runs 'failover "
            "acknowledge'. Some want to see a repair before they trust it"
        ),
    )
    only_in: WindowName | None = Field(
        default=None,
        description=(
            "it returns only while this window is open. At night a second fault hurts fewer. Default: at any "
            "time"
        ),
        examples=["night"],
    )


class StabilitySpec(Spec):
    """When a move may happen."""

    hold_down: Duration = Field(
        description=(
            "between two routine moves of one class. It bounds flapping for better; a dead path is left "
            "regardless"
        ),
        examples=["10min"],
    )
    fail_back: FailBackSpec = Field(
        description="when traffic returns. The way back is never urgent: the other way works",
        examples=["{clean: 60s, doubles_up_to: 1h, forgotten_after: 2h}"],
    )
    changes: Rate = Field(
        description=(
            "routine moves, all classes together. Should everything else fail to keep it calm, this does"
        ),
        examples=["6 per hour"],
    )
    escapes: Rate = Field(
        description=(
            "moves off a dead path. They have a budget of their own, so that no routine move uses up what "
            "an outage needs"
        ),
        examples=["12 per hour"],
    )
    block: BlockSpec | None = Field(
        default=None,
        description=(
            "when a class stays where it is until somebody runs 'failover acknowledge'. A dead path is left "
            "all the same. Default: never"
        ),
        examples=["{moves: 4, within: 2h}"],
    )


class OwnFailBackSpec(Spec):
    """When this class returns to a link that failed, where that differs."""

    clean: Duration | None = Field(
        default=None,
        description=(
            "after this long without trouble. What hurts most by a second fault waits longest. "
            "Default: as for all"
        ),
        examples=["10min"],
    )
    doubles_up_to: Duration | None = Field(
        default=None,
        description="each further failure doubles that, up to this. It bounds the wait. Default: as for all",
        examples=["4h"],
    )
    mode: Literal["auto", "manual"] | None = Field(
        default=None,
        description=(
            "whether it returns by itself, or once somebody runs 'failover acknowledge'. One class may "
            "be worth a look. Default: as for all"
        ),
        examples=["manual"],
    )
    only_in: WindowName | None = Field(
        default=None,
        description=(
            "it returns only while this window is open. Its quiet hours may be others. Default: as for all"
        ),
        examples=["night"],
    )


class OwnStabilitySpec(Spec):
    """When moves of one class may happen, where that differs."""

    hold_down: Duration | None = Field(
        default=None,
        description=(
            "between two routine moves of this class. What suffers from each move moves less. "
            "Default: as for all"
        ),
        examples=["30min"],
    )
    fail_back: OwnFailBackSpec = Field(
        default=OwnFailBackSpec(),
        description="when it returns. Only what differs is written. Default: as for all",
        examples=["{clean: 10min}"],
    )
    block: BlockSpec | None = Field(
        default=None,
        description=(
            "when it stays until somebody runs 'failover acknowledge'. What must not be tossed about "
            "is blocked sooner. Default: as for all"
        ),
        examples=["{moves: 2, within: 1h}"],
    )

"""Which is it? Asked when several volumes claim one identity, and taken back later by the same key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from engine.api.facts import Claim
from engine.api.volume_rows import VolumeRow
from engine.errors import RushesError
from engine.names import display
from tui import format as fmt
from tui.screens.choose import ChoiceDialog
from tui.screens.triage import TriageScreen


def settle_or_back(screen: TriageScreen, row: VolumeRow) -> None:
    """Ask which of several a volume in conflict is; of one that was told apart, take that back."""
    if row.state == "conflict":
        _settle(screen, row)
    else:
        _unsettle(screen, row)


def _settle(screen: TriageScreen, row: VolumeRow, none: Callable[[], None] | None = None) -> None:
    """Ask which it is; where nothing is to be asked, ``none`` is called, or told."""
    rushes = screen.rushes

    def known(found: Any, error: RushesError | None) -> None:
        if error is not None:
            rushes.tell(str(error), "error")
            return
        claims = {f"{at}": claim for at, claim in enumerate(cast("Sequence[Claim]", found))}
        if not claims and none is not None:
            none()
            return
        if not claims:
            rushes.tell("These folders cannot be told apart: take all but one away.", "warning")
            return
        choices = [(key, _answer(claim)) for key, claim in claims.items()]

        def chosen(key: str | None) -> None:
            if key is not None:
                claim = claims[key]
                said = f"{display(claim.name)} it is; another one is a volume of its own. S takes it back."
                if claim.volume_id is None:
                    said = f"A volume of its own; {display(claim.name)} is away. S takes it back."
                screen.on_each(
                    [row],
                    lambda _: rushes.desk.drives.settle(claim.volume_id, claim.mount_point),
                    "settled",
                    after=lambda did: rushes.tell(said) if did else None,
                    slow=True,
                )

        rushes.push_screen(ChoiceDialog("Which is it?", choices, "", rushes.glyphs, numbered=True), chosen)

    rushes.read_then(lambda: rushes.desk.drives.claims(row.volume_id), known)


def _answer(claim: Claim) -> str:
    if claim.volume_id is None:
        return f"{display(claim.mount_point)} is a drive of its own, a clone of {display(claim.name)}"
    return f"{display(claim.mount_point)} is {display(claim.name)}, {fmt.plural(claim.clips, 'clip')}"


def _unsettle(screen: TriageScreen, row: VolumeRow) -> None:
    rushes = screen.rushes

    def known(found: Any, error: RushesError | None) -> None:
        if error is not None:
            rushes.tell(str(error), "error")
            return
        if not found:
            said = f"{display(row.name)} is in no conflict."
            _settle(screen, row, lambda: rushes.tell(said, "warning"))
            return
        rushes.ask(
            f"Take back which volume {display(row.name)} is?",
            "What was said of it and of its double is forgotten, and asked again. No file is touched.",
            "take it back",
            "leave it as it is",
            answered,
        )

    def answered(yes: bool | None) -> None:
        if yes:
            screen.on_each(
                [row],
                lambda row: rushes.desk.drives.unsettle(row.volume_id),
                "taken back",
                after=lambda did: rushes.tell("Taken back; S says it anew.") if did else None,
                slow=True,
            )

    rushes.read_then(lambda: rushes.desk.drives.is_settled(row.volume_id), known)

"""The app: four places, one feed, one runner; everything else lives in the screens."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar, Literal, cast

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter, Monochrome, NoColor
from textual.message import Message
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from engine.api.facts import ClipScope
from engine.errors import RushesError
from tui import commands, keys, terminal
from tui.bulletin import Bulletin
from tui.desk import Desk
from tui.ends import Ends
from tui.feed import Feed, HeaderChanged, Looked
from tui.format import one_line, shell_word
from tui.graphics import Album
from tui.looks import ASCII, Glyphs, choose_glyphs, choose_pictures
from tui.runner import Done, Runner, ThreadRunner
from tui.screens.confirm import ConfirmDialog
from tui.screens.finder import Entry, FinderScreen
from tui.screens.keyed import KeyedScreen
from tui.screens.triage import TriageScreen
from tui.themes import ANSI_TONES, THEMES, default_theme
from tui.timing import Pace
from tui.type_ahead import KeyPassed, TypeAhead
from tui.widgets.bars import PLACES

log = logging.getLogger(__name__)

Severity = Literal["information", "warning", "error"]


class WholeCells(ScrollBarRender):
    """A scroll bar of whole cells: no sign but the blank."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def _screen(module: str, name: str) -> Callable[[], Screen[Any]]:
    """A screen of :mod:`tui.screens`, imported when it is first shown: no other one is waited for."""
    return lambda: cast("Screen[Any]", getattr(import_module(f"tui.screens.{module}"), name)())


class RushesApp(App[None]):
    """The terminal of one library."""

    TITLE = "rushes"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("app")
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        "volumes": _screen("volumes", "VolumesScreen"),
        "ingest": _screen("ingest", "IngestScreen"),
        "exports": _screen("exports", "ExportsScreen"),
        "relink": _screen("relink", "RelinkScreen"),
        "clips": _screen("clips", "ClipsScreen"),
    }

    def __init__(
        self,
        desk: Desk,
        *,
        place: str = "volumes",
        pace: Pace | None = None,
        runner: Runner | None = None,
        glyphs: Glyphs | None = None,
        theme: str | None = None,
        wake: bool = False,
    ) -> None:
        """Make the app; ``run`` it to show it.

        Args:
            desk: the library and its engine.
            place: the screen to begin with.
            pace: clocks and periods; None takes real ones.
            runner: where verbs run; None takes threads.
            glyphs: the signs; None asks the environment.
            theme: None asks ``RUSHES_THEME``, then the terminal's abilities.
            wake: start the engine when there is none, while the first picture is already there.
        """
        self.DEFAULT_MODE = place  # type: ignore[misc]  # Textual makes the screen of this mode first
        super().__init__()
        self.desk = desk
        self.pace = pace or Pace()
        self._take_glyphs(glyphs or choose_glyphs())
        self.picture_kind = choose_pictures()
        self.album = Album(self.write_raw, lambda: self.console.color_system == "truecolor")
        self.ends = Ends(self)
        self.bulletin = Bulletin(self)
        self.feed = Feed(desk, self.pace, self._from_feed)
        self.typed = TypeAhead(self, super().on_event)
        self._runner = runner
        self._wake = wake
        for own in THEMES:
            self.register_theme(own)
        env = os.environ
        self.theme = (
            "ansi-dark"
            if self.no_color
            else theme or default_theme(env.get("TERM", ""), env.get("RUSHES_THEME", ""))
        )

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Tones for themes that are not ours."""
        return ANSI_TONES

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colours means without any: the terminal's own two, and attributes."""
        filters = super().get_line_filters()
        if not self.no_color:
            return filters
        return [NoColor() if isinstance(one, Monochrome) else one for one in filters]

    @property
    def runner(self) -> Runner:
        """Where verbs run."""
        if self._runner is None:
            loop, context = asyncio.get_running_loop(), contextvars.copy_context()

            def call_soon(function: Callable[..., object], *args: object) -> object:
                # In the app's context, not the verb thread's: a result may open a dialog.
                return loop.call_soon_threadsafe(function, *args, context=context)

            self._runner = ThreadRunner(call_soon)
        return self._runner

    def on_mount(self) -> None:
        """Look once, begin to look regularly."""
        self.animation_level = "none"
        self.app_suspend_signal.subscribe(self, lambda _: self.album.leave(), immediate=True)
        self.app_resume_signal.subscribe(self, lambda _: self._come_back(), immediate=True)
        self.feed.poll()
        if self.pace.poll_seconds is not None:
            self.set_interval(self.pace.poll_seconds, self.feed.tick)
        if self._wake:
            self._start_engine()
        if self.pace.guard:
            terminal.on_hangup(asyncio.get_running_loop(), self._terminal_gone)
            self.set_interval(terminal.GUARD_SECONDS, self._guard)

    # -- the terminal's life -----------------------------------------------------
    def _guard(self) -> None:
        """Leave when the terminal has hung up without a word (nohup, some wrappers)."""
        if not self.is_headless and terminal.terminal_is_gone():
            self._terminal_gone()

    def _terminal_gone(self) -> None:
        terminal.leave_hard()
        self.exit()

    def exit(self, *args: Any, **options: Any) -> None:
        """Leave; pictures are taken from the terminal while it still shows the screen that has them."""
        self.album.leave()
        super().exit(*args, **options)

    def _come_back(self) -> None:
        """In front again after the shell was: the terminal forgets pictures with the screen that had them."""
        self.album.come_back()
        self.refresh()

    def on_app_blur(self, event: events.AppBlur) -> None:
        """Another window is in front: look less often."""
        del event
        self.feed.blurred = True

    def on_app_focus(self, event: events.AppFocus) -> None:
        """The terminal is in front again."""
        del event
        self.feed.blurred = False
        self.feed.poll()

    # -- the feed ------------------------------------------------------------------
    def _from_feed(self, message: Message) -> None:
        """Hand what the feed tells to the screen in front; one below a dialog hears it too."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, TriageScreen):
                screen.post_message(message)
                return

    def on_header_changed(self, event: HeaderChanged) -> None:
        """Nobody below wanted it."""
        event.stop()

    def on_looked(self, event: Looked) -> None:
        """Nobody below wanted it."""
        event.stop()

    def guarded(self, work: Callable[[], object]) -> None:
        """Do a read; what goes wrong is told, and the screen stays."""
        try:
            work()
        except RushesError as error:
            self.tell(str(error), "error")
        except Exception as error:  # the screen must outlive a database that cannot be read for a while
            log.exception("a read failed")
            self.tell(f"The library cannot be read now: {str(error) or type(error).__name__}", "error")

    def demo_notes(self) -> Sequence[str]:
        """What a running demo tells."""
        return self.desk.demo_notes()

    # -- telling ---------------------------------------------------------------------
    def tell(self, sentence: str, severity: Severity = "information") -> None:
        """Show a sentence for a while; errors stay longer."""
        self.notify(
            one_line(sentence), severity=severity, timeout=12 if severity == "error" else 6, markup=False
        )

    def write_raw(self, sequence: str) -> None:
        """Send a control sequence that changes nothing on the screen."""
        if self._driver is not None:
            self._driver.write(sequence)

    def copy_path(self, path: str) -> None:
        """Put a path on the clipboard by OSC 52, in a form that a shell reads."""
        word = shell_word(path)
        self.copy_to_clipboard(word)
        self.tell(f"Copied: {word}")

    # -- keys ------------------------------------------------------------------------
    async def on_event(self, event: events.Event) -> None:
        """Hand keys on one at a time, see :mod:`tui.type_ahead`; everything else at once."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self.typed.take(event)
            return
        await super().on_event(event)
        if isinstance(event, events.Key):
            self.typed.acted()

    def on_key_passed(self, event: KeyPassed) -> None:
        """A widget has dealt with a key, and so has everything above it."""
        self.typed.passed(event.number, event.round)

    def read_then(self, work: Callable[[], Any], done: Done) -> None:
        """Read beside the event loop, for a dialog that ``done`` opens; keys wait for it for a moment."""
        ended = self.typed.reading()

        def told(result: Any, error: RushesError | None) -> None:
            done(result, error)
            ended()

        self.runner.submit(work, told, slow=True)

    def reason(self, key_id: str) -> str | None:
        """Why a key of the app cannot act now, or None."""
        header = self.feed.header
        if key_id == "app.engine" and header is not None and header.engine != "absent":
            return "The engine is running." if header.engine == "running" else "The engine is starting."
        if key_id == "app.stop" and header is not None and header.engine == "absent":
            return "There is no engine to stop."
        return None

    def action_key(self, key_id: str) -> None:
        """A key of the app was pressed, or chosen in the help or the palette."""
        why = self.reason(key_id)
        if why is not None:
            self.tell(why, "warning")
            return
        getattr(self, f"do_{key_id.split('.')[1]}")()

    def do_volumes(self) -> None:
        """Go to the volumes."""
        self._go("volumes")

    def do_ingest(self) -> None:
        """Go to the ingest queue."""
        self._go("ingest")

    def do_exports(self) -> None:
        """Go to the exports."""
        self._go("exports")

    def do_relink(self) -> None:
        """Go to the relink candidates."""
        self._go("relink")

    def do_clips(self) -> None:
        """Go to the clips."""
        self._go("clips")

    def _go(self, place: str) -> None:
        """Go to a place; when it is here already, back to its list from what was opened over it."""
        if self.current_mode != place:
            self.switch_mode(place)
            return
        for _ in range(len(self.screen_stack) - 1):
            if not isinstance(self.screen, TriageScreen):
                return  # a form: leaving may lose something, esc asks
            self.screen.step_out()

    def show_clips(self, scope: ClipScope, drive: str | None = None) -> None:
        """Go to the clips of a scope; ``drive`` is the name of its volume."""
        self.switch_mode("clips")
        from tui.screens.clips import ClipsScreen

        screen = next(one for one in self.screen_stack if isinstance(one, ClipsScreen))
        screen.look_at(scope, drive)

    def do_damaged(self) -> None:
        """Damaged copies, over whatever is in front."""
        from tui.screens.damaged import DamagedScreen

        self._lay_over(DamagedScreen)

    def do_notices(self) -> None:
        """The log of notices, over whatever is in front."""
        from tui.screens.notices import NoticesScreen

        self._lay_over(NoticesScreen)

    def do_settings(self) -> None:
        """The settings, over whatever is in front."""
        from tui.screens.settings import SettingsScreen

        self._lay_over(SettingsScreen)

    def _lay_over(self, kind: type[TriageScreen]) -> None:
        if isinstance(self._front(), kind):
            self.tell("This is that list already.")
        else:
            self.push_screen(kind())

    def do_next(self) -> None:
        """Go to the next screen."""
        self._step(1)

    def do_previous(self) -> None:
        """Go to the screen before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        names = [name for name, _ in PLACES]
        self.switch_mode(names[(names.index(self.current_mode) + by) % len(names)])

    def _front(self) -> TriageScreen | KeyedScreen[Any]:
        return next(
            screen for screen in reversed(self.screen_stack) if isinstance(screen, TriageScreen | KeyedScreen)
        )

    def do_help(self) -> None:
        """The keys of this place."""
        entries = commands.of_keys(self, self._front())
        self.push_screen(FinderScreen("Keys", entries, self.glyphs), self._run_chosen)

    def do_palette(self) -> None:
        """Everything that can be done, by name."""
        entries = commands.by_name(self, self._front())
        self.push_screen(FinderScreen("Commands", entries, self.glyphs), self._run_chosen)

    def _run_chosen(self, entry: Entry | None) -> None:
        if entry is not None:
            entry.run()

    def use_glyphs(self, glyphs: Glyphs) -> None:
        """Use another set of signs from now on."""
        self._take_glyphs(glyphs)
        for screen in self.screen_stack:
            if isinstance(screen, TriageScreen | KeyedScreen):
                screen.draw()

    def _take_glyphs(self, glyphs: Glyphs) -> None:
        self.glyphs = glyphs
        plain = glyphs is ASCII
        self.set_class(plain, "-ascii")
        ScrollBar.renderer = WholeCells if plain else ScrollBarRender

    def do_engine(self) -> None:
        """Start the engine."""
        self.tell("Starting the engine.")
        self._start_engine()

    def _start_engine(self) -> None:
        def started(_: Any, error: RushesError | None) -> None:
            if error is not None:
                self.tell(str(error), "error")
            self.feed.poll()

        self.runner.submit(self.desk.start_engine, started, slow=True)

    def do_quit(self) -> None:
        """Leave; the engine goes on."""
        header = self.feed.header
        working = header is not None and header.engine == "running" and header.jobs_running
        self.exit(
            message="The engine goes on with its jobs; rushes brings the screen back." if working else None
        )

    def do_stop(self) -> None:
        """Stop the engine, then leave."""
        header = self.feed.header
        jobs = header.jobs_running if header else 0
        sentence = (
            f"{jobs} running job{'s reach' if jobs != 1 else ' reaches'} a checkpoint and can be resumed. "
            if jobs
            else "No job is running. "
        )

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            self.tell("Stopping the engine at its checkpoints.")

            def stopped(_: Any, error: RushesError | None) -> None:
                if error is not None:
                    self.tell(str(error), "error")
                else:
                    self.exit(message="The engine is stopped.")

            self.runner.submit(self.desk.stop_engine, stopped, slow=True)

        self.ask(
            "Stop the engine?",
            sentence + "Everyone else who looks at this library sees it stop too.",
            "stop it",
            "keep it running",
            answered,
        )

    def do_suspend(self) -> None:
        """Back to the shell."""
        self.action_suspend_process()

    def ask(
        self, title: str, sentence: str, yes: str, no: str, answered: Callable[[bool | None], None]
    ) -> None:
        """Ask before something that costs; see :class:`ConfirmDialog`."""
        self.push_screen(ConfirmDialog(title, sentence, yes, no, self.pace.monotonic), answered)

    def action_help_quit(self) -> None:
        """ctrl+c is no key of ours: a habit must not end a session."""
        self.tell("q leaves and the engine goes on; Q stops the engine.")

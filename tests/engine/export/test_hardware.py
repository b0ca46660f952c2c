"""Encoders of graphics cards, with a card that is played by a script: found, one session at a time, lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Refused
from engine.export.planning import ability
from engine.export.recipes import presets
from engine.export.runs import orders
from engine.media.tools import find_tools
from engine.storage import config
from engine.storage.database import scalar
from tests.engine.export.test_errors import wrapped

CARD = """
HERE="$(dirname "$0")"
case " $* " in *" -encoders "*)
  "$REAL" "$@"; echo " V....D h264_nvenc           NVIDIA NVENC H.264 encoder (codec h264)"; exit 0 ;;
esac
case " $* " in *" h264_nvenc "*) ;; *) exec "$REAL" "$@" ;; esac
n=$#
while [ $n -gt 0 ]; do
  word=$1; shift; n=$((n-1))
  case "$word" in
    -preset|-rc|-cq|-b:v) shift; n=$((n-1)) ;;
    h264_nvenc) set -- "$@" libx264 ;;
    *) set -- "$@" "$word" ;;
  esac
done
if [ -e "$HERE/lost" ] || ! mkdir "$HERE/session"; then
  echo "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)" >&2; exit 1
fi
echo "$*" >> "$HERE/sessions"
"$REAL" "$@"; code=$?
rmdir "$HERE/session"
exit $code
"""


@pytest.fixture
def card(tmp_path: Path, tools, monkeypatch) -> Path:
    """A folder with an ffmpeg whose card has room for one session, and a preset for it."""
    folder = tmp_path / "bin"
    wrapped(folder, tools, "ffmpeg", CARD)
    monkeypatch.setenv("RUSHES_FFMPEG", str(folder / "ffmpeg"))
    db = config.open_config()
    body = {"video": {"codec": "libx264", "encoder": "h264_nvenc", "crf": 20}, "audio": {"codec": "aac"}}
    presets.create(db, "card", body)
    db.close()
    return folder


def test_a_card_that_works_is_found_by_trying_it(card):
    found = {entry.encoder: entry for entry in ability.cards(find_tools())}
    assert found["h264_nvenc"].works
    assert not found["hevc_nvenc"].works
    assert found["hevc_nvenc"].why


def test_a_card_gets_one_session_at_a_time_and_all_its_segments(desk, clip, card):
    for number in range(3):
        desk.add(clip(f"{number}.mov", seconds="2"), f"{number}.mov")
    run = desk.export(preset="card", segment_seconds=1)
    assert run.status == "completed", run.error
    assert desk.one("SELECT count(*) FROM segments WHERE run_id = ? AND kind = 'video'", run.run_id) == 6
    sessions = (card / "sessions").read_text().splitlines()
    assert sum("[film]" in line for line in sessions) == 6, "none was refused, and none tried again"
    assert desk.renders(run) == 6
    # An export by the processor need not wait for it.
    assert scalar(desk.library.db(), "SELECT resources FROM jobs WHERE kind = 'export'").count("nvenc") == 1
    assert orders.encoder_of({"video": {"encoder": "h264_nvenc"}}) != orders.encoder_of({"video": {}})


def test_a_card_that_is_lost_says_so_and_what_to_do(desk, clip, card):
    desk.add(clip("a.mov"), "a.mov")
    queued = desk.order(preset="card")
    (card / "lost").touch()
    run = desk.run(queued)
    assert (run.status, run.error_category) == ("failed", "hardware")
    assert "OpenEncodeSessionEx" in run.error_details
    assert desk.leftovers() == []


def test_a_card_that_is_lost_before_refuses_the_order(desk, clip, card):
    desk.add(clip("a.mov"), "a.mov")
    (card / "lost").touch()
    with pytest.raises(Refused, match=r"no encoder h264_nvenc.*OpenEncodeSessionEx failed"):
        desk.order(preset="card")

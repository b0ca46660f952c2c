"""Composed presets: one part per concern, no settings of their own."""

from __future__ import annotations

import pytest

from engine.errors import NotFound, Refused, WrongUse
from engine.export.recipes import concerns, presets
from engine.storage.config import open_config


@pytest.fixture
def config():
    db = open_config()
    yield db
    db.close()


def test_a_composed_preset_is_what_its_parts_say(config):
    presets.create_part(config, "watermark", "house", {"burn_in": "text=Draft@top-right"})
    parts = {"codec": "prores-hq", "scaling": "half", "watermark": "house", "naming": "reel-clip"}
    made = presets.create(config, "Dailies", {"composed": parts})
    hq = presets.get(config, "prores-hq").body
    assert (made.composed, made.body["video"], made.body["scale"]) == (parts, hq["video"], "1/2")
    assert made.body["burn_in"][0]["text"] == "Draft"
    assert made.body["template"] == "{reel}_{clip}"
    assert presets.get(config, "dailies") == made
    assert made in presets.list_presets(config)
    assert presets.import_text(config, presets.export_text(made), "Flat").body == made.body


def test_a_part_settles_its_own_concern_alone(config):
    own = {"video": {"codec": "libx264"}, "fit": 720, "loudness": -16}
    presets.create(config, "mine", own)
    made = presets.create(config, "c", {"composed": {"codec": "mine", "scaling": "quarter"}})
    assert (made.body["fit"], made.body["scale"], made.body["loudness"]) == (None, "1/4", -16)


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        ({"composed": {"scaling": "half"}}, WrongUse, "codec"),
        ({"composed": {"codec": "share", "mood": "x"}}, WrongUse, "mood"),
        ({"composed": {"codec": "share", "scaling": ""}}, WrongUse, "scaling"),
        ({"composed": {"codec": "nowhere"}}, NotFound, "nowhere"),
        ({"composed": {"codec": "share", "scaling": "giant"}}, NotFound, "giant"),
        ({"composed": {"codec": "share"}, "fit": 720}, WrongUse, "no settings of its own"),
        ({"composed": "share"}, WrongUse, "composed"),
        ({"composed": {"codec": "audio-wav", "watermark": "timecode"}}, WrongUse, "picture"),
    ],
)
def test_what_does_not_fit_is_named(config, body, error, named):
    with pytest.raises(error, match=named):
        presets.create(config, "bad", body)


def test_parts_are_checked_strictly(config):
    for concern, settings, named in (
        ("codec", {}, "concern"),
        ("scaling", {"burn_in": []}, "burn_in"),
        ("scaling", {"fit": 3}, "fit"),
        ("naming", {"template": "{mood}"}, "mood"),
    ):
        with pytest.raises(WrongUse, match=named):
            presets.create_part(config, concern, "p", settings)
    with pytest.raises(Refused, match="already"):
        presets.create_part(config, "scaling", "HALF", {})


def test_a_part_in_use_stays(config):
    presets.create_part(config, "scaling", "tiny", {"fit": 320})
    presets.create(config, "base", {"video": {"codec": "libx264"}})
    presets.create(config, "c", {"composed": {"codec": "base", "scaling": "tiny"}})
    for name in ("tiny", "base"):
        with pytest.raises(Refused, match="part of c"):
            presets.delete(config, name)
    with pytest.raises(WrongUse, match="composed itself"):
        presets.create(config, "d", {"composed": {"codec": "c"}})
    with pytest.raises(Refused, match="always there"):
        presets.delete(config, "half")
    presets.delete(config, "c")
    presets.delete(config, "tiny")
    with pytest.raises(NotFound):
        presets.get(config, "tiny")


def test_every_part_that_is_always_there_passes_its_check(config):
    found = presets.list_parts(config)
    assert len(found) == sum(len(entries) for entries in concerns.SYSTEM.values())
    assert all(part.is_system for part in found)


def test_a_renamed_part_keeps_its_name_in_what_is_composed_of_it(config):
    presets.create(config, "base", {"video": {"codec": "libx264"}})
    presets.create_part(config, "scaling", "tiny", {"fit": 320})
    presets.create(config, "c", {"composed": {"codec": "base", "scaling": "tiny"}})
    presets.edit(config, "base", {"video": {"codec": "libx264", "crf": 30}}, "", new_name="ground")
    presets.edit_part(config, "tiny", {"fit": 480}, new_name="small")
    made = presets.get(config, "c")
    assert made.composed == {"codec": "ground", "scaling": "small"}
    assert (made.body["video"]["crf"], made.body["fit"]) == (30, 480)
    assert {"ground", "c"} <= {preset.name for preset in presets.list_presets(config)}


def test_a_change_that_would_break_what_is_composed_of_it_is_refused(config):
    presets.create(config, "base", {"video": {"codec": "libx264"}})
    presets.create_part(config, "watermark", "house", {"burn_in": "timecode@top"})
    presets.create(config, "c", {"composed": {"codec": "base", "watermark": "house"}})
    body = {"video": None, "audio": {"codec": "pcm_s16le"}, "container": "wav"}
    with pytest.raises(Refused, match="c is put together from base"):
        presets.edit(config, "base", body, "")
    assert presets.get(config, "base").body["video"]["codec"] == "libx264"
    with pytest.raises(Refused, match="always there"):
        presets.edit_part(config, "half", {"scale": "1/3"})
    with pytest.raises(NotFound, match="no part nowhere"):
        presets.edit_part(config, "nowhere", {})
    with pytest.raises(Refused, match="already"):
        presets.edit_part(config, "house", {}, new_name="half")
    with pytest.raises(Refused, match="already"):
        presets.edit_part(config, "house", {}, new_name="base")


def test_a_composed_preset_whose_part_is_gone_breaks_no_list(config):
    """Written by an older program, or by hand: it says what is missing, the others stay."""
    presets.create_part(config, "scaling", "tiny", {"fit": 320})
    presets.create(config, "base", {"video": {"codec": "libx264"}})
    presets.create(config, "c", {"composed": {"codec": "base", "scaling": "tiny"}})
    config.execute("DELETE FROM presets WHERE name IN ('tiny', 'base')")
    config.conn.commit()
    found = {preset.name: preset for preset in presets.list_presets(config)}
    assert "no preset base" in found["c"].trouble
    assert found["share"].trouble is None
    with pytest.raises(NotFound, match="base"):
        presets.get(config, "c")
    with pytest.raises(NotFound, match="known: share"):
        presets.get(config, "nowhere")
    presets.delete(config, "c")
    assert "c" not in {preset.name for preset in presets.list_presets(config)}

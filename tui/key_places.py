"""Keys of the places beside the four queues; :mod:`tui.keys` takes them into its registry."""

from __future__ import annotations

Entry = tuple[str, str, str, str, int] | tuple[str, str, str, str, int, bool]
"""Verb, Textual's names of the keys, words for the footer, a sentence, rank there, whether it asks."""

BACK: Entry = ("back", "h", "back", "Back to where this was opened.", 60)

SCOPES: dict[str, str] = {
    "clips": "Clips",
    "copies": "Copies of a clip",
    "twice": "What lies twice",
    "bin": "Trash",
    "damaged": "Damaged copies",
    "notices": "Notices",
    "watches": "Watch folders",
    "past": "History of a drive",
    "offers": "New footage",
    "sessions": "Scans and mappings",
    "rules": "Kept mappings",
    "settings": "Settings",
}
"""Where these keys work, and the heading of that place in the help."""

ENTRIES: dict[str, tuple[Entry, ...]] = {
    "clips": (
        ("open", "enter,l,w", "where is it?", "All copies of this clip on all drives, here or away.", 10),
        ("state", "s", "which", "Show clips that are offline, missing, damaged, at risk, or favourites.", 20),
        ("risk", "r", "at risk", "Show clips with too few proven copies; again shows all.", 30),
        ("drive", "d", "on a drive", "Show clips on one drive, or those that lie only there.", 40),
        ("tag", "t", "tag", "Add tags to this clip; a minus before a tag takes it away.", 50),
        ("favourite", "b", "favourite", "Mark this clip as a favourite, or no longer.", 55),
        ("picture", "p", "picture", "Show or hide the picture of the clip.", 0),
        ("yank", "y", "copy path", "Copy the path of a copy that can be read now (OSC 52).", 0),
        ("twice", "D", "lies twice", "Contents that lie in more than one file, and where.", 0),
        ("bin", "T", "trash", "What was put into the trash; it can be brought back.", 0),
    ),
    "copies": (
        ("copy", "c", "copy to", "Copy this file, or the marked ones, into one more folder, verified.", 10),
        (
            "move",
            "m",
            "move to",
            "Move this file, or the marked ones, into a folder: renamed, or copied and proven first.",
            20,
            True,
        ),
        (
            "trash",
            "x",
            "trash",
            "Put this copy into the trash of its drive; the last proven one stays.",
            30,
            True,
        ),
        ("undo", "u", "undo", "Take back what was last moved or put into the trash from here.", 40),
        ("yank", "y", "copy path", "Copy the path of this copy (OSC 52, works over SSH).", 0),
        ("bin", "T", "trash list", "What was put into the trash; it can be brought back.", 55),
        BACK,
    ),
    "twice": (
        ("open", "enter,l,w", "where?", "All copies of this content, to be moved or put into the trash.", 10),
        ("device", "s", "on one device", "Show only what lies twice on one device, or all again.", 20),
        ("bin", "T", "trash list", "What was put into the trash; it can be brought back.", 30),
        BACK,
    ),
    "bin": (
        ("restore", "r,u", "bring back", "Bring this file, or the marked ones, back to where it lay.", 10),
        ("delete", "D", "delete", "Delete this file, or the marked ones, for good.", 20, True),
        BACK,
    ),
    "damaged": (
        (
            "repair",
            "r",
            "repair",
            "Make this copy anew from a good one; the bad file is kept aside.",
            10,
            True,
        ),
        (
            "verify",
            "V",
            "verify all",
            "Read every copy within reach again, the longest unproven first.",
            20,
            True,
        ),
        ("yank", "y", "copy path", "Copy the path of this copy (OSC 52, works over SSH).", 30),
        BACK,
    ),
    "notices": (
        ("open", "enter,l", "go there", "Go to the screen where something can be done about it.", 10),
        BACK,
    ),
    "watches": (
        ("new", "n", "watch", "Watch a folder: what arrives there and comes to rest is taken in.", 10),
        ("rest", "p", "rest / go on", "Let the watch rest, or go on with it.", 20),
        ("remove", "x", "remove", "Watch this folder no longer; no file is touched.", 30, True),
        BACK,
    ),
    "past": (BACK,),
    "offers": (
        ("take", "n,enter,l", "take in", "Take this footage in: the dialog of an ingest opens with it.", 10),
        ("dismiss", "x", "not this", "Wave it aside, until something newer lies there.", 20),
        ("undo", "u", "undo", "Offer again what was last waved aside.", 30),
        BACK,
    ),
    "sessions": (
        ("undo", "u", "take back", "Take back every link that this scan or mapping made.", 10, True),
        ("redo", "U", "again", "Make the links again that were taken back from it.", 20, True),
        BACK,
    ),
    "rules": (
        ("remove", "x", "drop", "Keep this mapping no longer; what it relinked stays.", 10, True),
        ("undo", "u", "undo", "Keep the mapping again that was dropped last.", 20),
        BACK,
    ),
    "settings": (
        (
            "edit",
            "enter,l,e",
            "change",
            "Change this setting; a wrong value is refused while it is typed.",
            10,
        ),
        ("default", "x,backspace", "default", "Put this setting back to its default.", 20),
        ("undo", "u", "undo", "Take back the last change that was made here.", 30),
        BACK,
    ),
}
"""The keys of each of these places."""

MORE: dict[str, tuple[Entry, ...]] = {
    "volumes": (
        ("offers", "a", "new footage", "Show what lies on this volume and was never taken in.", 25),
        ("clips", "c", "clips", "Show the clips that this volume holds.", 0),
        ("only", "u", "only here", "Show the clips that lie on this volume and on no other.", 0),
        ("past", "H", "history", "Everything that happened to this drive: mounts, ingests, errors.", 0),
        ("colour", "B", "colour", "Give this volume a colour.", 0),
        (
            "mark",
            "M",
            "marker",
            "Write a marker file to this volume, which tells it from its clones; never to cards.",
            0,
            True,
        ),
        (
            "settle",
            "S",
            "which is it?",
            "Which drive is it? Two claim one identity, or it is a clone; later S takes that back.",
            0,
        ),
    ),
    "ingest": (
        ("earlier", "plus", "earlier", "Move a job that waits for its turn one place up in the queue.", 0),
        ("later", "minus", "later", "Move a job that waits for its turn one place down.", 0),
        ("first", "t", "next in line", "Move a job that waits to the top of the queue.", 0),
        ("urgency", "u", "priority", "Choose the priority: low, normal, high or urgent.", 0),
        ("report", "w", "report", "Write reports of this job; says where they lie.", 75),
        ("watches", "W", "watch folders", "Folders of which new files are taken in by themselves.", 80),
        (
            "verify",
            "V",
            "verify all",
            "Read every copy within reach again, the longest unproven first.",
            0,
            True,
        ),
    ),
    "relink": (
        ("redo", "U", "redo", "Give a verdict again that was taken back.", 0),
        (
            "map",
            "m",
            "map folder",
            "From one link infer where all its neighbours are; shows what it would do.",
            55,
        ),
        ("rules", "M", "kept maps", "Mappings that are kept and applied by themselves.", 0),
        ("sessions", "H", "history", "All scans and mappings; one can be taken back as a whole.", 0),
        ("where", "w", "where is it?", "All copies of this clip on all drives, here or away.", 0),
        ("picture", "p", "pictures", "Show or hide the pictures of both sides.", 0),
    ),
    "app": (
        ("clips", "5,C", "clips", "Go to the clips: what there is, and where each copy lies.", 0),
        ("damaged", "exclamation_mark", "damaged", "Damaged copies, and their repair from good ones.", 0),
        ("notices", "N", "notices", "What should be known: drives, failures, finds; read later as well.", 0),
        (
            "settings",
            "0",
            "settings",
            "Settings of this machine: what holds, and what it means.",
            0,
        ),
    ),
}
"""Further keys of places whose first ones stand in the registry itself."""

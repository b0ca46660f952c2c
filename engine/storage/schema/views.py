"""What a row is for a person: views over several tables."""

from __future__ import annotations


def states_of_clips(which: str = "") -> str:
    """The query ``clip_id, state`` of what a clip is for a person; ``which`` is a query for clip ids, or all.

    A clip is the worst of its parts, each seen through its best copy. The card it
    came from counts only while there is nothing else: a card is not storage. For
    some clips the query is made for them: SQLite would group all clips of the
    view first. The copies are joined here for the same reason, and not through
    ``copy_states``.
    """
    among = f" AND clip_files.clip_id IN ({which})" if which else ""
    return f"""
    SELECT clip_id, CASE min(best) WHEN 3 THEN 'online' WHEN 2 THEN 'offline'
                                   WHEN 1 THEN 'damaged' ELSE 'missing' END AS state
    FROM (SELECT clip_id, role, position,
                 coalesce(max(CASE WHEN copy_role <> 'source' THEN rank END), max(rank), 0) AS best
          FROM (SELECT clip_files.clip_id, clip_files.role, clip_files.position, copies.role AS copy_role,
                       CASE WHEN volumes.state IN ('offline', 'conflict') THEN 2
                            WHEN copies.state = 'present' THEN 3
                            WHEN copies.state = 'damaged' THEN 1 ELSE 0 END AS rank
                FROM clip_files LEFT JOIN copies USING (asset_id) LEFT JOIN volumes USING (volume_id)
                WHERE clip_files.role IN ('essence', 'span', 'audio'){among})
          GROUP BY clip_id, role, position)
    GROUP BY clip_id
    """


VIEWS: tuple[str, ...] = (
    # What a copy is for a person: its own state, seen through its volume's.
    """
    CREATE VIEW copy_states AS
    SELECT copies.*,
           CASE WHEN volumes.state IN ('offline', 'conflict') THEN 'offline'
                WHEN copies.state = 'present' THEN 'online'
                ELSE copies.state END AS seen_as,
           volumes.name AS volume_name, volumes.mount_point, volumes.mount_root,
           volumes.mounts, volumes.state AS volume_state, volumes.device_id
    FROM copies JOIN volumes USING (volume_id)
    """,
    f"CREATE VIEW clip_states AS {states_of_clips()}",
)

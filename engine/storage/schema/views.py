"""What a row is for a person: views over several tables."""

from __future__ import annotations

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
    # What a clip is for a person: the worst of its parts, each seen through its
    # best copy. The card it came from counts only while there is nothing else:
    # a card is not storage.
    """
    CREATE VIEW clip_states AS
    SELECT clip_id, CASE min(best) WHEN 3 THEN 'online' WHEN 2 THEN 'offline'
                                   WHEN 1 THEN 'damaged' ELSE 'missing' END AS state
    FROM (SELECT clip_id, role, position,
                 coalesce(max(CASE WHEN copy_role <> 'source' THEN rank END), max(rank), 0) AS best
          FROM (SELECT clip_files.clip_id, clip_files.role, clip_files.position,
                       copy_states.role AS copy_role,
                       CASE copy_states.seen_as WHEN 'online' THEN 3 WHEN 'offline' THEN 2
                                                WHEN 'damaged' THEN 1 ELSE 0 END AS rank
                FROM clip_files LEFT JOIN copy_states USING (asset_id)
                WHERE clip_files.role IN ('essence', 'span', 'audio'))
          GROUP BY clip_id, role, position)
    GROUP BY clip_id
    """,
)

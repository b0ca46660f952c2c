"""Films go out.

::

    recipes.recipes ──> runs.orders ──> job
        ├─ runs.planner       clips are looked at, plans are made of recipes by planning
        ├─ runs.output        part after part: rendering.segment, proven while the next is rendered
        ├─ rendering.join     from proven parts to one proven file
        └─ rendering.placing  under its name, never over another
"""

"""Files of ours on our volumes: put aside and brought back, moved, and where content lies twice."""

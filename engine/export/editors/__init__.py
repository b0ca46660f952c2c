"""A recipe's cut for editing programs: OpenTimelineIO, CMX 3600, FCPXML."""

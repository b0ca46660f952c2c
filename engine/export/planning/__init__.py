"""From a recipe to a plan: which frames of which clip, the shape of the film, the words for ffmpeg."""

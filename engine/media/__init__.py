"""What footage is: tools, probing, hashing, camera cards, clips, thumbnails."""

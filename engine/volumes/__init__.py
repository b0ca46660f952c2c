"""Where footage lies: mounts, devices, the identity of drives, and their coming and going."""

"""Training: the loop that all methods share, and the stages `train` and `reference`."""

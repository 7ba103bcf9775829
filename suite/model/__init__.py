"""A language model as a folder, and as numbers: tokens, batches, log-probabilities."""

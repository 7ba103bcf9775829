"""The embedded default model and the generated world that it learns."""

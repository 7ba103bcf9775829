"""Shared by the benchmarks of forgetting: what an answer shows of memory, and the distance to a
retrain model."""

"""Executors: who computes the stages of a run."""

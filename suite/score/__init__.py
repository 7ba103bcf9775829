"""Scoring: the stages `score` and `measure`."""

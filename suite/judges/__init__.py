"""Judges, and the stage that asks one."""

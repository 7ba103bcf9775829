"""Fails on import, as a package does whose own dependency is not there."""

raise ImportError("this plugin needs a library that is not installed")

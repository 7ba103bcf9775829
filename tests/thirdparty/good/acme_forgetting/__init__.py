"""What a third party ships: see docs/plugins.md of suite."""

"""Asking models: the stages `respond`, `kl` and `roles`."""

"""Built-in methods, one readable file each. They are reached through the registry, never imported by path."""

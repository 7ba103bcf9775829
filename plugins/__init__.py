"""The built-in methods, one readable file each.

The host finds them through their entry points and imports none of them by name.
"""

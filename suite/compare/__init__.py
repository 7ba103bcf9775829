"""How methods differ, and how sure that is."""

"""From a configuration to cells and their stages."""

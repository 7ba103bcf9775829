"""Drawing the pictures that benchmarks declare, see `suite.api.pictures`."""

"""The benchmarks that come with suite; installed as `suite_benchmarks`, found through their entry
points."""

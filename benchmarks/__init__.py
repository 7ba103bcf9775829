"""The benchmarks that come with suite, installed as `suite_benchmarks`.

The host finds them through their entry points.
"""

"""What benchmarks of preference pairs share: training roles, edit distance, requests, scores."""

"""`suite run`: compute what the store lacks, collect the results, write the report."""

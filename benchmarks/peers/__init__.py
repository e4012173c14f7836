"""Other tools, each asked the benchmarks' problems in its own words."""

"""The questions of the benchmark, one file for each: who is asked, and what answers are held to."""

"""Several people's judgments: weighed, pooled, made coherent."""

"""The discrete part of a story summed exactly: compiler, program, evaluation, kernels."""

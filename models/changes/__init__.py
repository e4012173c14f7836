"""One input changed: what-ifs, curves, derivatives, versions of the evidence, sliders."""

"""All that the engine may know of a story: its graph, events, likelihoods and questions."""

"""How much an ending hangs on each assumption, by the measures of fault-tree practice."""

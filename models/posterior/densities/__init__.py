"""The posterior's log density at a point, with its gradient, as NUTS follows it."""

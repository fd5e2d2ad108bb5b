"""Other tools' weights: recognised by their keys and shapes, and run by our networks."""

"""Models: assembled from a configuration, kept, found and loaded."""

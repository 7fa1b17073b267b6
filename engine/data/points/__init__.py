"""Sources of points in the plane."""

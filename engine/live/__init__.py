"""The live picture of a run: frames, the gallery, and a picture for each kind of data."""

"""Tools for who keeps the project: benchmark, pretraining, the pictures of the presets."""

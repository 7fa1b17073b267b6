"""The run folder, the only channel between server and worker. No torch."""

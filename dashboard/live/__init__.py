"""The live socket: what a run appends, told to everybody who watches it."""

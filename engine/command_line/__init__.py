"""The verbs of the command line, a subject a file; each adds its own to the parser."""

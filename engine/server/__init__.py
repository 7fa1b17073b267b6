"""What lives in the server process. No torch."""

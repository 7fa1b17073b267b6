"""Entries of the tables from outside: files of a folder, and installed packages. Workers load them."""

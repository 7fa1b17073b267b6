"""Lessons: their format, the theory that they compare runs with, their shelf, and the glossary. No torch."""

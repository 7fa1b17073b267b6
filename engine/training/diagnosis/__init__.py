"""What the rows of a run say of it: a file a subject, each of rules that read what was ``seen``. No torch."""

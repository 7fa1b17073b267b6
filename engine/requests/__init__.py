"""One model a question: what HTTP, command line, pages and child processes ask of each other. No torch."""

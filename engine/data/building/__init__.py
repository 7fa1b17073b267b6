"""How each data set that ships is made from the package that it comes from; see ``build``."""

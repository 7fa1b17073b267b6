"""Sources of pictures to translate: pairs, and two domains without pairs."""

"""The vocabulary of a GAN: recipe, phases, context, codes, exhibits, options."""

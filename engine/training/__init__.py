"""From a request to a trained GAN: validation, the trainer, its optimizers, diagnosis."""

"""Moving in latent space, and encoding into it."""

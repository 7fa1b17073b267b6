"""Playing with a trained GAN: what the Explore page, its API and notebooks ask of a model.

All of it needs torch and runs in the inference processes (``engine.worker.calls``);
``engine.server.exploring`` is the server's side. Positions in the latent space are *places*, plain JSON
(``engine.explore.places``).
"""

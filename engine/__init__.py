"""GANscope's engine: GANs, the training loop, runs and models. It knows nothing of pages and never imports a
web framework.
"""

__version__ = "0.1.0"

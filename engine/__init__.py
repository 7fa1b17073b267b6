"""GANscope's engine: GANs, the training loop, runs and models. It knows nothing of pages and never imports a
web framework.
"""

from pathlib import Path

__version__ = "0.1.0"

ENGINE = Path(__file__).resolve().parent
PRETRAINED = ENGINE.parent / "pretrained"  # the models that ship

"""The table of GANs: one file each, one line here."""

from __future__ import annotations

from engine.gans.aae import AAE
from engine.gans.base import Recipe
from engine.gans.bigan import BiGAN
from engine.gans.dcgan import DCGAN
from engine.gans.gan import GAN
from engine.gans.infogan import InfoGAN

GANS: dict[str, type[Recipe]] = {
    "gan": GAN,
    "dcgan": DCGAN,
    "infogan": InfoGAN,
    "bigan": BiGAN,
    "aae": AAE,
}

"""The table of GANs: one file each, one line here."""

from __future__ import annotations

from engine.game.recipe import Recipe
from engine.gans.aae import AAE
from engine.gans.acgan import ACGAN
from engine.gans.bigan import BiGAN
from engine.gans.conditional import ConditionalGAN
from engine.gans.cyclegan import CycleGAN
from engine.gans.dcgan import DCGAN
from engine.gans.dirac import DiracGAN
from engine.gans.gan import GAN
from engine.gans.infogan import InfoGAN
from engine.gans.pix2pix import Pix2Pix
from engine.gans.r3gan import R3GAN
from engine.gans.semi_supervised import SemiSupervisedGAN
from engine.gans.unrolled import UnrolledGAN
from engine.gans.wgan import WGAN, WGANGP

GANS: dict[str, type[Recipe]] = {
    "gan": GAN,
    "dirac": DiracGAN,
    "unrolled": UnrolledGAN,
    "dcgan": DCGAN,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
    "r3gan": R3GAN,
    "conditional": ConditionalGAN,
    "acgan": ACGAN,
    "semi_supervised": SemiSupervisedGAN,
    "infogan": InfoGAN,
    "bigan": BiGAN,
    "aae": AAE,
    "pix2pix": Pix2Pix,
    "cyclegan": CycleGAN,
}

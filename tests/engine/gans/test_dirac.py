"""The Dirac-GAN walks as two numbers do by hand, and theorem 2.4's bound holds for a network."""

import numpy as np
import pytest
import torch

from dashboard.lessons.theory import dirac
from engine.metrics.reach import jacobian, reach
from engine.networks.mlp import MLPDiscriminator, MLPGenerator
from engine.training.request import validate
from engine.training.trainer import Trainer

GAMES = [("alternating", 0.0), ("simultaneous", 0.0), ("alternating", 1.0)]


@pytest.mark.parametrize(("updates", "r1"), GAMES)
def test_its_path_is_that_of_two_numbers(updates, r1):
    options = {"updates": updates, "r1": r1, "generator_lr": 0.2}
    trainer = Trainer(validate({"gan": "dirac", "data": "point", "steps": 60, "options": options}))
    seen = []
    for _ in range(60):
        trainer.iterate()
        generator, discriminator = (trainer.networks[name] for name in ("generator", "discriminator"))
        seen.append([generator.theta[0].item(), discriminator.psi[0].item()])
    by_hand = dirac(60, (0.2, 0.1), (1.0, 0.0), updates == "simultaneous", r1)
    assert np.abs(np.array(seen) - by_hand[1:]).max() < 0.01  # the point is 0.005 wide


def test_the_saturating_gradient_stays_below_its_bound():
    torch.manual_seed(0)
    generator, judge = MLPGenerator(2, 16, 2, (2,)), MLPDiscriminator(16, 2, (2,))
    judge.head.bias.data -= 3.0  # a D that takes what it sees for generated
    z = torch.randn(128, 2)
    loss = -torch.nn.functional.softplus(judge(generator(z))).mean()
    gradients = torch.autograd.grad(loss, list(generator.parameters()))
    norm = torch.cat([one.flatten() for one in gradients]).norm().item()
    epsilon, m = reach(judge, generator(z)), jacobian(generator, z)
    assert 0 < norm <= m * epsilon / (1 - epsilon)
    by_weight = [torch.autograd.grad(generator(z[:1])[0, k], list(generator.parameters())) for k in range(2)]
    squared = sum(float(part.square().sum()) for parts in by_weight for part in parts)
    assert jacobian(generator, z[:1]) == pytest.approx(squared**0.5, rel=1e-5)

"""What every GAN's tests ask: that all of it learns, and that a state taken is a state regained."""

import torch

from engine.models import checkpoint
from engine.runs.folder import RunFolder


def weights(trainer, name=None):
    """Copies of the weights of all networks, or of one."""
    networks = [trainer.networks[name]] if name else trainer.networks.values()
    return [weight.detach().clone() for network in networks for weight in network.parameters()]


def five_steps(trainer):
    """The statistics of five steps, after which every weight has moved."""
    before = weights(trainer)
    for _ in range(5):
        trainer.iterate()
    values, broken = trainer.read()
    assert broken is None and trainer.is_finite()
    still = [a for a, b in zip(before, weights(trainer), strict=True) if torch.equal(a, b)]
    assert sum(weight.numel() for weight in still) <= 1  # a relativistic loss does not see D's last bias
    return values


def goes_on_bit_by_bit(whole, first, second, folder):
    """Six steps of one are four of another and, from its checkpoint, two of the third. Takes three alike."""
    for _ in range(6):
        whole.iterate()
    for _ in range(4):
        first.iterate()
    second.load_state(checkpoint.load(checkpoint.save(RunFolder(folder), 4, first.state())))
    pairs = zip(weights(first), weights(second), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    for _ in range(2):
        second.iterate()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))
    assert whole.read() == second.read()

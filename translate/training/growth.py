"""Progressive resolution: a training that begins with small pictures, and networks that grow along."""

from __future__ import annotations

from translate.networks.progressive import ProgressiveResNet, progress_to_stage
from translate.training.state import TrainingState


def grow(state: TrainingState, resolutions: int, step: int, steps: int) -> None:
    """Bring pictures and networks to the size at which the training stands.

    Every size has the same share of the steps, and each is twice the one before (Karras et al. 2018, §2, for
    progressive generators, whose new layers are faded in; other networks take any size, and only their
    pictures grow, as in Wang et al. 2018, pix2pixHD, §3.2, from coarse to fine). Once the second size has
    begun, a longer training has more steps of the last size: no picture shrinks again.

    Args:
        state: its `shrink` is set, and its progressive networks grow, averages included; `stage_steps`
            keeps the length that the sizes share.
        resolutions: at how many sizes is trained; 1 leaves all as it is.
        step: how many are done, of `steps` in all.
    """
    if resolutions == 1:
        return
    stage, alpha = progress_to_stage(min(step / state.staged(steps), 1.0), resolutions)
    if stage > 0:
        state.stage_steps = state.staged(steps)
    state.shrink = 2 ** (resolutions - 1 - stage)
    for network in (*state.translator.networks.values(), *state.averages.values()):
        if isinstance(network, ProgressiveResNet):
            network.grow(stage, alpha)

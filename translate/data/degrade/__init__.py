"""Damage for training from plain photographs: what a network is to undo.

`draws` says what happens to a picture, as steps that don't know it; `steps` applies them, to a crop in a
loader process or to a batch on a device. `masks` and `drawings` make the inputs of inpainting and of
edges → photo.
"""

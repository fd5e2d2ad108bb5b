"""From a folder to a batch.

- `layout.recognise(root, a=, b=, task=, kind=) -> Layout`: what a folder holds, or a `DataError`.
- `loading.load_data(root, DataOptions(...), kind=...) -> TrainingData`: recognised, every file opened once,
  cached where it fits; `.train`, `.held_out` (`PictureDataset`), `.steps_per_epoch`, `.domains`, `.labels`,
  `.captions`, `.notes`.
- `TrainingData.loader(start_step, steps)`: `Batch(a, b, label_a, label_b, text_a, text_b)`, pictures uint8
  `(B, C, H, W)`, labels int64 `(B,)`, a function of (seed, step).
- `batches.to_float(batch.a)`: float32 in [-1, 1], on the device where the batch is; `batches.to_one_hot`
  for maps of classes (`DataOptions.classes_a`).
- `PictureDataset.batch(positions) -> Batch` and `.names(i)`: fixed pictures, for sample sheets and metrics.
- `sampling.Schedule(size, batch_size, seed, start_step, steps)`: which pictures make up which step.
- `samples`: tar files of WebDataset's samples as folders of pictures; `tars` reads their members.
- `prepare.prepare(folders, output, Wishes(...)) -> Report`: what `translate data prepare` does.
- `inspect.inspect(root, ...) -> Report`: what `translate data inspect` prints.

Modules here import torch only inside functions: recognising and inspecting a folder stays quick.
"""

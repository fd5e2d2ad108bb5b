"""A translator back into files, and onto the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from translate.weights import model_file
from translate.weights.card import Card
from translate.weights.locate import MODEL_FILES

if TYPE_CHECKING:
    from translate.weights.hub.publication import Publication


class Saving:
    """What a translator can do with its card and weights alone."""

    card: Card
    direction: str
    weights: Mapping[str, Tensor]

    def save(self, path: str | Path) -> Path:
        """Write this translator's model file; gives its path.

        Args:
            path: a `.safetensors` file, or a folder, where it gets the name that `load` looks for.

        Raises:
            OutputError: it can't be written.
        """
        path = Path(path)
        if path.suffix != ".safetensors" or path.is_dir():
            path = path / MODEL_FILES[self.direction]
        model_file.save(path, self.weights, self.card)
        return path

    def save_pretrained(self, folder: str | Path, repo: str | None = None) -> list[Path]:
        """Write what `push_to_hub` would upload into `folder`; gives the paths of the files.

        Args:
            repo: OWNER/NAME, which the page among them tells how to use; None is the folder's path.

        Raises:
            OutputError: the folder can't be written.
        """
        return self._publication(repo or str(folder)).write(Path(folder))

    def push_to_hub(
        self,
        repo: str,
        *,
        private: bool | None = None,
        revision: str | None = None,
        message: str | None = None,
        token: str | None = None,
        replace_readme: bool = False,
    ) -> str:
        """Publish this one model on the Hugging Face Hub in one commit; gives the commit's address.

        For arguments and errors see `weights.hub.transfer.publish`. A two-way model goes there as a whole by
        `translate publish`, or by pushing the translators of both its directions.
        """
        from translate.weights.hub.transfer import publish

        return publish(self._publication(repo), private, revision, message, token, replace_readme)

    def _publication(self, repo: str) -> Publication:
        from translate.weights.hub.publication import Publication, for_others

        return Publication(repo, {self.card.direction: (for_others(self.card), self.weights)})

"""Our models as `huggingface_hub` has them. Import it inside functions: it imports that library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelHubMixin, snapshot_download

from translate import __version__
from translate.weights.hub.page import CONFIG, LIBRARY
from translate.weights.locate import MODEL_FILES

if TYPE_CHECKING:
    from translate.weights.hub.publication import Publication


class HubModel(ModelHubMixin, library_name=LIBRARY, pipeline_tag="image-to-image", tags=[LIBRARY]):
    """What `save_pretrained` writes and `from_pretrained` brings: files, no network.

    Attributes:
        publication: what is to be saved.
        folder: where the files lie that were brought.
    """

    def __init__(self, publication: Publication | None = None, folder: Path | None = None):
        self.publication = publication
        self.folder = folder
        self._hub_mixin_config = None  # config.json is the card, not this call

    def _save_pretrained(self, save_directory: Path) -> None:
        assert self.publication is not None, "what was fetched is on a disk already"
        self.publication.write(save_directory)

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        **_of_config: Any,
    ) -> HubModel:
        """A snapshot of one commit with the model files alone; whatever else is there stays there.

        `config.json`, which the caller has read, says nothing that the card inside the weights doesn't.
        """
        folder = snapshot_download(
            model_id,
            revision=revision,
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
            token=token,
            allow_patterns=[*MODEL_FILES.values(), CONFIG],
            library_name=LIBRARY,
            library_version=__version__,
        )
        return cls(folder=Path(folder))

"""What the Hub's library raises, as one line for a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from translate.errors import ModelError, OutputError, TranslateError, UsageError
from translate.files import explain

_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def library() -> ModuleType:
    """`huggingface_hub`, imported when it is first needed: it takes half a second.

    Raises:
        UsageError: it isn't installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise UsageError(
            "models on the Hub need huggingface_hub: pip install 'image-translate[hub]'"
        ) from error
    return huggingface_hub


def require_token(token: str | bool | None) -> None:
    """Refuse to begin an upload that nobody can be asked about.

    Raises:
        UsageError: there is no token.
    """
    if not token and library().get_token() is None:
        raise UsageError(f"publishing needs a token with the right to write: {_LOG_IN}.")


@contextmanager
def explained(what: str, revision: str | None = None, *, uploading: bool = False) -> Iterator[None]:
    """Raise what the Hub's library raises within the block as errors of ours.

    Args:
        what: the repository, for messages.
        revision: that was asked for, for messages.
        uploading: instead of downloading.

    Raises:
        UsageError: no such repository or revision to write to, no token or not that right.
        ModelError: no such repository or revision to read from.
        OutputError: the upload didn't succeed for another reason; a file can't be written.
    """
    library()
    from huggingface_hub import errors

    # The HTTP library's own base class: httpx's or that of its successor, by the version.
    transport: type[Exception] = vars(errors)["HTTPError"]
    missing, failed = (UsageError, OutputError) if uploading else (ModelError, ModelError)
    state = "; nothing was published" if uploading else ""
    try:
        yield
    except errors.GatedRepoError as error:
        raise missing(f"{what} is gated: ask for access on its page, then {_LOG_IN}.") from error
    except errors.RepositoryNotFoundError as error:
        raise missing(
            f"{what}: the Hub has no such repository of models, or it is private and the token doesn't open "
            f"it; check the name, and {_LOG_IN}."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise missing(f"{what} has no branch, tag or commit {revision or 'main'!r}.") from error
    except errors.OfflineModeIsEnabled as error:
        raise failed(f"{what}: HF_HUB_OFFLINE is set{state or ', and it is not in the cache'}.") from error
    except errors.LocalEntryNotFoundError as error:
        raise missing(
            f"{what} is not in the cache, and the Hub was not asked (HF_HUB_OFFLINE, local_files_only) or "
            "can't be reached."
        ) from error
    except errors.HfHubHTTPError as error:
        raise _refused(what, error.response.status_code, str(error), state, missing, failed) from error
    except errors.HFValidationError as error:
        raise UsageError(f"{what}: {_first_line(error)}") from error
    except transport as error:
        raise failed(f"{what}: the Hub can't be reached ({_first_line(error)}){state}.") from error
    except OSError as error:
        raise OutputError(f"{what}: a file can't be written: {explain(error)}.") from error


def _refused(
    what: str,
    status: int,
    said: str,
    state: str,
    missing: type[TranslateError],
    failed: type[TranslateError],
) -> TranslateError:
    if status == 401:
        return missing(f"{what}: the Hub doesn't accept the token; {_LOG_IN}{state}.")
    if status == 403:
        verb = "write there" if state else "read it"
        return missing(f"{what}: the token has no right to {verb}{state}.")
    return failed(f"{what}: the Hub answered with error {status} ({said.splitlines()[0]}){state}.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

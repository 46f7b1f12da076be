"""A client of the HTTP API (extra: serve).

>>> from lsamatting.client import Client
>>> with Client("http://localhost:8765") as client:
...     png = client.matte("cat.jpg", trimap="cat-trimap.png", output="cutout")
...     with client.open("cat.jpg", trimap="cat-trimap.png") as session:
...         session.compute()
...         session.stroke([(310, 122, 6), (318, 140, 6)], opacity=0)
...         session.save("cutout", "cat.png")
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from lsamatting.errors import LsamattingError, MissingExtraError
from lsamatting.replacing import replacing

try:
    import httpx
except ImportError as missing:
    raise MissingExtraError("the client", "serve") from missing

File = str | Path | bytes
"""A path, or what a file holds."""

Layer = Literal["picture", "alpha", "cutout", "foreground", "composite", "trimap"]
Format = Literal["png", "webp", "jpeg", "tiff", "exr"]

_MEDIA_TYPES: dict[str, str] = {
    "png": "image/png",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "exr": "image/x-exr",
}
_FORMATS: dict[str, Format] = {
    ".png": "png",
    ".webp": "webp",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".exr": "exr",
}


class ServerError(LsamattingError):
    """The server did not do what it was asked.

    Attributes
    ----------
    status
        HTTP status, 0 if there was no answer.
    kind
        The type of the problem, `urn:lsamatting:problem:…`.
    """

    def __init__(self, message: str, *, status: int = 0, kind: str = "about:blank") -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class Client:
    """A connection to a server.

    Parameters
    ----------
    address
        Where it listens.
    token
        What it asks for, if it does.
    timeout
        Seconds to wait for an answer.
    """

    def __init__(
        self,
        address: str = "http://localhost:8765",
        *,
        token: str | None = None,
        timeout: float = 300.0,
    ) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def matte(
        self,
        image: File,
        *,
        trimap: File | None = None,
        mask: File | None = None,
        strokes: File | None = None,
        output: Literal["alpha", "cutout", "foreground"] = "alpha",
        format: Literal["png", "webp", "tiff", "exr"] = "png",
        **options: Any,
    ) -> bytes:
        """Give the matte of a picture as a file.

        Parameters
        ----------
        image
            The picture.
        trimap, mask, strokes
            One of them: what is known.
        output, format
            What to give, and how.
        options
            `depth`, `erode`, `dilate`, `weights`, `refine`, `tta`, `foreground`.

        Raises
        ------
        ServerError
            The server's message.
        """
        response = self.request(
            "POST",
            "/v1/matte",
            files=_files(image=image, trimap=trimap, mask=mask, strokes=strokes),
            data=_fields(output=output, **options),
            headers={"Accept": _MEDIA_TYPES[format]},
        )
        return response.content

    def trimap(
        self,
        *,
        mask: File | None = None,
        strokes: File | None = None,
        image: File | None = None,
        **bands: int,
    ) -> bytes:
        """Give a trimap, a PNG, from a mask (with `erode` and `dilate`) or from strokes.

        With the picture, the band follows what it shows, and what strokes leave out is proposed.
        """
        return self.request(
            "POST",
            "/v1/trimap",
            files=_files(mask=mask, strokes=strokes, image=image),
            data=_fields(**bands),
        ).content

    def foreground(
        self,
        image: File,
        alpha: File,
        *,
        output: Literal["foreground", "cutout"] = "cutout",
        format: Literal["png", "webp", "tiff", "exr"] = "png",
        **options: Any,
    ) -> bytes:
        """Give the subject's own colours for a known matte; options are `method` and `depth`."""
        return self.request(
            "POST",
            "/v1/foreground",
            files=_files(image=image, alpha=alpha),
            data=_fields(output=output, **options),
            headers={"Accept": _MEDIA_TYPES[format]},
        ).content

    def open(
        self, image: File, *, trimap: File | None = None, mask: File | None = None, **bands: int
    ) -> RemoteSession:
        """Keep a picture open on the server."""
        response = self.request(
            "POST",
            "/v1/sessions",
            files=_files(image=image, trimap=trimap, mask=mask),
            data=_fields(**bands),
        )
        return RemoteSession(self, response.json())

    def request(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send any request and give its answer, if it is no problem."""
        try:
            response = self._http.request(method, address, **options)
        except httpx.HTTPError as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise ServerError(f"{self._http.base_url}: no answer ({words})") from error
        if response.is_success:
            return response
        try:
            problem = response.json()
            detail, kind = str(problem["detail"]), str(problem["type"])
        except (ValueError, KeyError, TypeError):
            detail, kind = f"{response.status_code} {response.reason_phrase}", "about:blank"
        raise ServerError(detail, status=response.status_code, kind=kind)


class RemoteSession:
    """A picture kept open on a server; `Client.open` makes it."""

    def __init__(self, client: Client, state: dict[str, Any]) -> None:
        self._client = client
        self.state = state
        """What the server last told of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it is on the server."""
        return str(self.state["links"]["self"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.state["width"], self.state["height"]

    def close(self) -> None:
        """Let the server forget it."""
        self._client.request("DELETE", self.address)

    def set_trimap(
        self,
        trimap: File | None = None,
        *,
        mask: File | None = None,
        strokes: File | None = None,
        **bands: int,
    ) -> dict[str, Any]:
        """Say what is known, and give the numbers of pixels."""
        response = self._client.request(
            "PUT",
            f"{self.address}/trimap",
            files=_files(trimap=trimap, mask=mask, strokes=strokes),
            data=_fields(**bands),
        )
        answer: dict[str, Any] = response.json()
        return answer

    def compute(self, **options: Any) -> dict[str, Any]:
        """Compute the matte; options are `weights`, `refine`, `tta` and `foreground`."""
        return self._renew("POST", "/matte", json=options or None)

    def stroke(
        self,
        points: Sequence[tuple[float, float, float]],
        opacity: float,
        *,
        exact: bool = False,
        hardness: float = 1.0,
    ) -> dict[str, Any]:
        """Correct the matte along points of x, y and brush radius.

        An exact stroke changes its own pixels only; below a `hardness` of 1 it fades out towards
        its rim.
        """
        body = {
            "points": [list(point) for point in points],
            "opacity": opacity,
            "exact": exact,
            "hardness": hardness,
        }
        return self._renew("POST", "/strokes", json=body)

    def undo_stroke(self) -> dict[str, Any]:
        """Take the last stroke back."""
        return self._renew("DELETE", "/strokes/last")

    def get(self, layer: Layer, **options: Any) -> bytes:
        """Give a layer as a file.

        Parameters
        ----------
        layer
            Which.
        options
            `format`, `depth`, `window` (x, y, width, height), `fit`, `crop`, `on`, `shift`,
            `feather`, `low`, `high`, `decontaminate`.
        """
        if "window" in options:
            options["window"] = ",".join(str(side) for side in options["window"])
        response = self._client.request("GET", f"{self.address}/{layer}", params=_fields(**options))
        return response.content

    def save(self, layer: Layer, path: str | Path, **options: Any) -> None:
        """Write a layer into a file; its suffix chooses the format."""
        path = Path(path)
        if path.suffix.lower() not in _FORMATS:
            raise ServerError(
                f"{path}: unknown file type '{path.suffix}'; accepted are {', '.join(_FORMATS)}"
            )
        data = self.get(layer, format=_FORMATS[path.suffix.lower()], **options)
        with replacing(path) as temporary:
            temporary.write_bytes(data)

    def _renew(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        self.state = self._client.request(method, self.address + address, **options).json()
        return self.state


def _files(**files: File | None) -> dict[str, tuple[str, bytes]]:
    sent = {}
    for name, file in files.items():
        if isinstance(file, bytes):
            sent[name] = (name, file)
        elif file is not None:
            try:
                sent[name] = (Path(file).name, Path(file).read_bytes())
            except OSError as error:
                raise ServerError(f"{file}: cannot be opened ({error.strerror})") from None
    return sent


def _fields(**values: Any) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }

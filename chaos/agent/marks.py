"""Labels runs for the dashboard, which may only read evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaos.errors import FiredrillError, InvalidInput
from chaos.evidence import growing, labels
from chaos.model.text import one_line


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT /runs/{run_id}/label; no text takes the label away."""

    text: str


def routes(
    root: Path, *, refused: Callable[[Request], Response | None], problem: Callable[[int, str], Response]
) -> list[Route]:
    """PUT /runs/{run_id}/label for who has the token.

    Args:
        refused: The answer to a request without the token; None for one that has it.
    """

    async def answer(request: Request) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        run_id, body = request.path_params["run_id"], await request.body()
        try:
            if run_id not in growing.run_ids(root):
                return problem(404, f"run: got '{one_line(run_id[:120])}', expected one that is in the evidence folder")
            label = await run_in_threadpool(_mark, root / run_id, msgspec.json.decode(body, type=Label).text)
        except (msgspec.DecodeError, InvalidInput) as error:
            return problem(400, f"body: {error}")
        except FiredrillError as error:
            return problem(503, str(error))
        return JSONResponse({"run_id": run_id, "label": label})

    return [Route("/runs/{run_id}/label", answer, methods=["PUT"])]


def _mark(folder: Path, text: str) -> str:
    if text.strip():
        return labels.put(folder, text)
    labels.remove(folder)
    return ""

"""``lince serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lince.cli.flags import LogDir, Refer


def serve(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    host: Annotated[
        str, typer.Option("--host", help="Loopback address; others are refused until accounts exist.")
    ] = "127.0.0.1",
    samples: Annotated[
        Path | None, typer.Option("--samples", help="Folder of images to try in the page.", show_default=False)
    ] = None,
    refer: Refer = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    log_dir: LogDir = None,
) -> None:
    """Serve the page and the REST interface on this computer."""
    # GNU OpenMP reads this when torch loads it. Its threads wait for work by spinning, by default for milliseconds,
    # on the processors that decode the next images: with 32 clients on two cores, a tenth of the throughput.
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
    from lince.serving import serve as run

    run(
        bundle,
        host=host,
        port=port,
        samples=samples,
        refer=refer,
        log_dir=log_dir,
        open_browser=open_browser,
        on_ready=lambda url: typer.echo(f"Serving on {url} (Ctrl-C stops it). Research use, not a medical device."),
    )

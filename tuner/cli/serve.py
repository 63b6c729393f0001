"""``tuner serve``."""

from __future__ import annotations

from pathlib import Path

import click

from tuner.cli.embedded import refuse_second_server
from tuner.cli.extras import needs
from tuner.cli.home import Home, default_home
from tuner.cli.logs import log_to_stderr
from tuner.cli.reach import READABLE


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", type=click.IntRange(0, 65535), default=7077, show_default=True, help="0 picks a free one.")
@click.option(
    "--store", metavar="URL", help="sqlite:///FILE or postgresql+psycopg://...; default: in the data directory."
)
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Data directory; $TUNER_HOME.")
@click.option("--tls-certificate", type=READABLE, help="PEM file with the certificate chain.")
@click.option("--tls-key", type=READABLE, help="PEM file with its key.")
@click.option("--token-file", type=READABLE, help="File with the bearer token that callers must show.")
@click.option("--insecure", is_flag=True, help="Allow another address than loopback without TLS or token.")
@click.option(
    "--announce", type=click.Path(dir_okay=False, path_type=Path), help="File that takes address and pid, as JSON."
)
@click.option("--until-stdin-closes", is_flag=True, help="End when standard input closes.")
@click.option(
    "--lease-term", type=click.FloatRange(min=0, min_open=True), help="Seconds until a silent worker's lease ends."
)
def serve_command(
    host: str,
    port: int,
    store: str | None,
    home: Path | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    token_file: Path | None,
    insecure: bool,
    announce: Path | None,
    until_stdin_closes: bool,
    lease_term: float | None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C. It binds loopback; another address needs TLS and a token."""
    with needs("server"):
        from tuner.service.options import ServeOptions
        from tuner.service.server import serve
    own = Home(home or default_home())
    log_to_stderr()
    store_url = store or own.store_url
    if announce is None:
        own.make()
        refuse_second_server(own, store_url)
    terms = {} if lease_term is None else {"lease_term": lease_term}
    serve(
        ServeOptions(
            store_url=store_url,
            host=host,
            port=port,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            token_file=token_file,
            insecure=insecure,
            # Without a file of its own it announces itself where other commands look for this store's server.
            announce=announce or own.announcement(store_url),
            until_stdin_closes=until_stdin_closes,
            **terms,
        )
    )

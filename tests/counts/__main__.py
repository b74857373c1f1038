"""`python -m tests.counts`: instructions of the hot paths here, beside the committed ones."""

from __future__ import annotations

import click

from tests.counts import measure


@click.command()
@click.option("--renew", is_flag=True, help="Write them to counts.json, for this compiler.")
def main(renew: bool) -> None:
    """Count, and show what changed; exit code 1 if anything is over the tolerance."""
    if reason := measure.missing():
        raise click.ClickException(reason)
    now, kind = measure.counted(), measure.toolchain()
    before = measure.committed().get(kind, {})
    click.echo(f"{'path':24}{'committed':>12}{'now':>12}    ({kind}; instructions of a frame)")
    for path, count in now.items():
        old = before.get(path)
        by = f"{count / old - 1:>+10.1%}" if old else ""
        click.echo(f"{path:24}{f'{old:,.1f}' if old else '-':>12}{count:>12,.1f}{by}")
    if renew:
        measure.renew(now)
        click.echo(f"wrote {measure.COMMITTED.name}")
    elif complaint := measure.complaint(before, now):
        raise click.ClickException(complaint)


if __name__ == "__main__":
    main()

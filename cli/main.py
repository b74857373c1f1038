"""The `feedhandler` command: its group, and what happens to errors, Ctrl-C and broken pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from feedhandler.cli.errors import BUG, FINE, INTERRUPTED, show, translated
from feedhandler.cli.lazy import LazyGroup
from feedhandler.cli.output import screen_width
from feedhandler.ending import Ended, unwinding

_LEAST_HELP = 52  # columns: click writes no help for fewer by itself
_COMMANDS = {
    "start": "feedhandler.cli.start:start",
    "config": "feedhandler.cli.config:config",
    "check": "feedhandler.cli.check:check",
    "venues": "feedhandler.cli.venues:venues",
    "venue": "feedhandler.cli.venue:venue",
    "plan": "feedhandler.cli.plan:plan",
    "reload": "feedhandler.cli.reload:reload",
    "stop": "feedhandler.cli.stop:stop",
    "status": "feedhandler.cli.status:status",
    "top": "feedhandler.cli.top:top",
    "subscribe": "feedhandler.cli.subscribe:subscribe",
    "unsubscribe": "feedhandler.cli.unsubscribe:unsubscribe",
    "inspect": "feedhandler.cli.inspect_:inspect",
    "record": "feedhandler.cli.record:record",
    "serve": "feedhandler.cli.serve:serve",
    "mirror": "feedhandler.cli.mirror:mirror",
    "relay": "feedhandler.cli.relay:relay",
    "capture": "feedhandler.cli.capture:capture",
    "replay": "feedhandler.cli.replay:replay",
    "verify": "feedhandler.cli.verify:verify",
    "export": "feedhandler.cli.export:export",
    "clean": "feedhandler.cli.clean:clean",
    "doctor": "feedhandler.cli.doctor:doctor",
    "bench": "feedhandler.cli.bench:bench",
    "sim": "feedhandler.cli.sim:sim",
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="feedhandler", message="%(prog)s %(version)s")
def feedhandler() -> None:
    """Order books of crypto venues, rebuilt and published in shared memory.

    One process per venue keeps the books right; any number of strategies read them, without a
    system call and without being able to disturb the feed.

    \b
    Try it, without internet:
      feedhandler start --sim                          in one terminal
      feedhandler top                                  in another
      feedhandler inspect book deribit BTC-PERPETUAL --watch

    \b
    Exit codes: 0 fine, 1 a finding, 2 usage or configuration,
    3 nothing to attach to, 74 the disk is full or broken.
    """


def _narrow() -> int | None:
    """The columns of help, where the terminal has fewer than click takes at least."""
    width = screen_width() or _LEAST_HELP
    return max(20, width) if width < _LEAST_HELP else None


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry point; returns the exit code."""
    out = sys.stdout
    if "_FEEDHANDLER_COMPLETE" in os.environ:  # a shell asks
        from feedhandler.cli import shells

        shells.register()
    try:
        with unwinding(), translated():
            result = feedhandler.main(
                args=list(arguments) if arguments is not None else None,
                prog_name="feedhandler",
                standalone_mode=False,
                terminal_width=_narrow(),
            )
            sys.stdout.flush()
        return result if isinstance(result, int) else FINE
    except click.ClickException as error:
        show(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        why = error.__cause__ or error  # click's is of the one that was raised
        return why.exit_code if isinstance(why, Ended) else INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:
        # Where click notices first, it puts a wrapper there and exits with 1.
        if isinstance(error, SystemExit) and sys.stdout is out:
            raise
        # The reader has seen enough (`| head`). Python must not try to flush again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        return FINE
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("feedhandler: this is a bug of feedhandler; please report the above", err=True)
        return BUG

"""The command line: one file per verb. Heavy imports live inside the functions, so that ``lince --help`` is instant."""

from __future__ import annotations

import sys

from lince.cli.app import app
from lince.core.errors import LinceError

__all__ = ["app", "main"]


def main(arguments: list[str] | None = None) -> int:
    """Run ``lince``: 0 when all went well, 2 with one line for an error the user can mend, 130 after Ctrl-C."""
    from click import exceptions
    from click.exceptions import Abort, ClickException, Exit, UsageError

    from lince.cli.console import complain
    from lince.core.logs import close_logs

    try:
        result = app(args=arguments, standalone_mode=False)
    except LinceError as error:
        complain(error.sentence)
        return 2
    except ClickException as error:
        if isinstance(error, getattr(exceptions, "NoArgsIsHelpError", ())):
            error.show()
            return 2
        context = error.ctx if isinstance(error, UsageError) else None
        ask = f" Ask {context.command_path} --help." if context else ""
        complain(" ".join(error.format_message().split()) + ask)
        return 2
    except Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, Abort):
        complain("Interrupted.")
        return 130
    except (BrokenPipeError, SystemExit):
        # The reader (head, less) has gone, which click answers by leaving. Python would complain again while closing
        # standard output.
        sys.stdout = None
        return 0
    finally:
        close_logs()
    return result if isinstance(result, int) else 0

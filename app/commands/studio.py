"""No command: the studio itself."""

from __future__ import annotations

import contextlib
from argparse import Namespace

from app.config import AppConfig
from engine import presets


def studio(args: Namespace) -> int:
    presets.check(args.preset)
    folder = {} if args.workspace is None else {"workspace": args.workspace}
    config = AppConfig(host=args.host, port=args.port, auth=args.auth, device=args.device, preset=args.preset, debug=args.debug, **folder)
    from app.server.main import serve

    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how the studio is closed
        serve(config)
    return 0

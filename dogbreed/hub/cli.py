"""The commands `dogbreed push` and `dogbreed deploy-space`."""

import argparse
import sys

from dogbreed import hub


def add_push_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed push`."""
    parser.add_argument("bundle", metavar="BUNDLE", help="folder that `dogbreed train` wrote")
    parser.add_argument("repo_id", metavar="USER/NAME", help="created if needed")
    parser.add_argument("--private", action="store_true", help="visible only to you")
    parser.add_argument("--revision", metavar="BRANCH", help="created if needed (default: main)")
    parser.add_argument("--tag", help="name for this version")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also delete files there that are not part of a model bundle",
    )


def push_command(options: argparse.Namespace) -> int:
    """Push a bundle and print its address."""
    address = hub.push_bundle(
        options.bundle,
        options.repo_id,
        private=options.private,
        revision=options.revision,
        tag=options.tag,
        replace=options.replace,
    )
    print(address)
    return 0


def add_deploy_space_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dogbreed deploy-space`."""
    parser.add_argument("repo_id", metavar="USER/SPACE", help="created if needed")
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--model", metavar="USER/NAME", help="model on the Hub that the Space loads")
    model.add_argument(
        "--bundle",
        metavar="DIR",
        help="model that is uploaded with the page (default: the one that comes with the package)",
    )
    parser.add_argument("--private", action="store_true", help="visible only to you")
    parser.add_argument(
        "--sdk",
        choices=("gradio", "static"),
        default="gradio",
        help="gradio: the page as it is here (default); static: the page in the visitor's browser, "
        "free for any account",
    )
    parser.add_argument(
        "--hardware",
        metavar="NAME",
        help="zero-a10g is free for any account (default: what the Space has, cpu-basic for a new "
        "one)",
    )
    parser.add_argument(
        "--examples",
        metavar="FOLDER",
        help="photos that visitors can try, up to 12 that you may publish; copied into the Space "
        "(default: those of the model, if it has any)",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also delete files there that are not part of this page",
    )


def deploy_space_command(options: argparse.Namespace) -> int:
    """Deploy the page to a Space, wait until it runs, and print its address."""
    address = hub.deploy_space(
        options.repo_id,
        model=options.model,
        bundle=options.bundle,
        private=options.private,
        sdk=options.sdk,
        hardware=options.hardware,
        examples=options.examples,
        replace=options.replace,
        report=lambda line: print(line, file=sys.stderr),
    )
    print(address)
    return 0

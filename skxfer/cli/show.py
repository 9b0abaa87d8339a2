"""``skxfer show``: the card of a saved model."""

import json

from .models import load_model
from .names import say


def run(args, argv):
    """Show the card of the model that the arguments name.

    Parameters
    ----------
    args : argparse.Namespace
    argv : list of str

    Returns
    -------
    int
        Exit code.
    """
    from ..transfer import card_in_words

    card = load_model(args.model).card_
    if args.json:
        say(json.dumps(card, indent=2, ensure_ascii=False))
        return 0
    for line in card_in_words(card):
        say(line)
    return 0

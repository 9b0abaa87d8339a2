"""Names that a user types: lists of them, what they refer to, and how they are listed in a message."""

import difflib


def say(text):
    """Print a line at once, so that it is seen while the command works."""
    print(text, flush=True)


class InputError(ValueError):
    """A mistake the user can correct; the command prints it in one line."""


def split_list(values):
    """Flatten repeated and comma-separated values.

    Parameters
    ----------
    values : list of str or None

    Returns
    -------
    list of str
    """
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]


def resolve(values, known, what):
    """Find names among the known ones; a name may itself hold commas (1,2-dichloroethane).

    Parameters
    ----------
    values : list of str or None
        As typed: repeated options, each perhaps a comma-separated list.
    known : list of str
    what : str
        What the names stand for, such as "column", for the error.

    Returns
    -------
    list of str
        Each name once, in the order typed.

    Raises
    ------
    InputError
        A name is unknown; the message suggests near ones.
    """
    found = []
    for value in values or ():
        parts = [part.strip() for part in value.split(",")]
        while parts:
            size = next((n for n in range(len(parts), 0, -1) if _joined(parts[:n], known)), None)
            if size is None:
                raise InputError(f"no {what} is called {parts[0]!r}; {_hint(parts[0], known)}")
            found.append(_joined(parts[:size], known))
            parts = parts[size:]
    return list(dict.fromkeys(found))


def _joined(parts, known):
    return next((name for name in (",".join(parts), ", ".join(parts)) if name in known), None)


def _hint(name, known):
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    close += [other for other in known if name.lower() in other.lower() and other not in close]
    return f"did you mean {some(close[:3], ' or ')}?" if close else f"there are {some(known)}"


def some(names, joint=", ", limit=12):
    """List names, at most `limit` of them."""
    names = [str(name) for name in names]
    text = joint.join(names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")


def listed(names):
    """List names as a sentence does: a, b and c."""
    names = [str(name) for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number, noun, plural=None):
    """Write a number with its noun: 1 row, 2 rows."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"

"""Why a strategy was chosen, in a sentence."""

# Fewer target rows tell little: the sentence says how many they are.
FEW_ROWS = 10


def reason(rows, first, folds, gain, n_rows):
    """Say for one target why these weights.

    Parameters
    ----------
    rows : list of dict
        Rows of ``cv_results_``, one for each strategy.
    first : int
        The best strategy without transfer.
    folds : str
        Over what the errors are means.
    gain : float
        Share of its error that is saved.
    n_rows : int
        Number of target rows with a label.

    Returns
    -------
    str
    """
    sentence = _why(rows, first, folds, gain)
    if n_rows >= FEW_ROWS:
        return sentence
    return f"{sentence} This rests on {n_rows} target rows only, so it may well be chance."


def _why(rows, first, folds, gain):

    def error_of(row):
        return f"{row['mae']:.3g} ± {row['mae_error']:.2g}"

    kept = [row for row in rows if row["weight"]]
    others = sorted((row for row in rows if not row["weight"]), key=lambda row: row["mae"])
    alone = rows[first]
    if len(kept) > 1:
        kept.sort(key=lambda row: -row["weight"])
        parts = " + ".join(f"{100 * row['weight']:.0f} % {row['strategy']}" for row in kept)
        size = f"{100 * gain:.0f} % below" if round(100 * gain) else "close to"
        return (
            f"blend of {parts}: its error is expected to be {size} that of {alone['strategy']}, whose mean "
            f"absolute error over {folds} is {error_of(alone)}."
        )
    (best,) = kept
    what = f"{best['strategy']}: mean absolute error {error_of(best)} over {folds}"
    if not others:
        return f"{what}; no other strategy took part."
    transferred = [row for row in others if row["transfer"]]
    if best["transfer"] and not alone["transfer"]:
        return (
            f"{what}, against {error_of(alone)} of {alone['strategy']}, the best without transfer: a gain "
            f"of {best['gain']:.2g} ± {best['gain_error']:.2g}."
        )
    if not best["transfer"] and transferred:
        row = transferred[0]
        return (
            f"{what}. Transfer is not clearly better: {row['strategy']}, the best with it, has "
            f"{error_of(row)}, a gain of {row['gain']:.2g} ± {row['gain_error']:.2g}."
        )
    return f"{what}, the lowest of {len(rows)}; next is {others[0]['strategy']} with {error_of(others[0])}."

"""Read the tables of studies: what they were measured on, in words, and means over folds."""

# Up to this many tests bars and bands show all of them, beyond it the central 80 %.
MANY_TESTS = 10
# The permutation of :func:`y_scrambling` that leaves labels as they are.
TRUE_LABELS = -1


def tests_in_words(results, mark):
    """Say what the numbers were measured on, and what bars or bands show."""
    tests, n_tests = results[["test_domain", "fold", "seed"]].drop_duplicates(), count_tests(results)
    domains = [str(name) for name in tests["test_domain"].unique()]
    n_folds, n_seeds = tests["fold"].nunique(), tests["seed"].nunique()
    held_out = bool(results.attrs.get("test_domains")) or n_folds == len(domains) > 1
    if held_out and len(domains) <= 4:
        text = "Test rows: " + ", ".join(domains) + (", held out" if n_folds == 1 else ", left out in turn")
    elif held_out:
        text = f"Test rows: {len(domains)} target domains, " + (
            "held out" if n_folds == 1 else "left out in turn"
        )
    else:
        text = f"Test rows: {n_folds} folds over the target rows"
    if n_seeds > 1:
        text += f"; {n_seeds} seeds"
    if n_tests > 1:
        span = "range of" if n_tests <= MANY_TESTS else "central 80 % of"
        text += f". Points: mean; {mark}: {span} the {n_tests} tests"
    if results.attrs.get("interrupted"):
        text += ". Interrupted: part of the study is missing"
    return text


def count_tests(results):
    """Return the number of tests, each a domain, fold and seed."""
    return len(results[["test_domain", "fold", "seed"]].drop_duplicates())


def scrambled_means(results, metric):
    """Average over the folds of each permutation that has all of them.

    Parameters
    ----------
    results : DataFrame
        From :func:`y_scrambling`.
    metric : str

    Returns
    -------
    dict of str to Series
        By target; the index is the permutation.
    """
    allowed = [name for name in ("mae", "rmse", "r2", "score") if name in results]
    if metric not in allowed:
        raise ValueError(f"metric must be one of {', '.join(allowed)}, got {metric!r}.")
    n_folds = results.groupby("permutation")["fold"].nunique()
    complete = n_folds.index[n_folds == results.attrs.get("n_folds", n_folds.max())]
    results = results[results["permutation"].isin(complete)]
    return {
        target: part.groupby("permutation")[metric].mean().dropna()
        for target, part in results.groupby("target", sort=False)
    }

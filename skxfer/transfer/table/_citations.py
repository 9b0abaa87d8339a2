"""What to cite for a model: the strategies and descriptors that it uses."""

from ..._version import __version__

STRATEGIES = {
    "frozen_experts": "Frozen experts, tuned on the target: W. Du et al., J. Am. Chem. Soc. 2024, 146, 811, "
    "doi:10.1021/jacs.3c10921",
    "merge_weighted": "Weighted merging: H. Shimodaira, J. Stat. Plan. Inference 2000, 90, 227, "
    "doi:10.1016/S0378-3758(00)00115-4",
    "merge_indicator": "Domain indicators: R. Caruana, Mach. Learn. 1997, 28, 41, "
    "doi:10.1023/A:1007379606734",
    "aligned": "Alignment of inputs: B. Sun, J. Feng, K. Saenko, AAAI 2016, 2058, "
    "doi:10.1609/aaai.v30i1.10306",
    "boosted": "Two-stage TrAdaBoost.R2: D. Pardoe, P. Stone, ICML 2010, 863",
    "low_fidelity": "Differences to a cheap value: R. Ramakrishnan et al., J. Chem. Theory Comput. 2015, 11, "
    "2087, doi:10.1021/acs.jctc.5b00099",
}
DESCRIPTORS = {
    "formula": "Magpie descriptors of formulas: L. Ward et al., npj Comput. Mater. 2016, 2, 16028, "
    "doi:10.1038/npjcompumats.2016.28",
    "smiles": "Descriptors of molecules: RDKit, https://www.rdkit.org",
}
LEARNER = "Learners: F. Pedregosa et al., J. Mach. Learn. Res. 2011, 12, 2825 (scikit-learn)"


def citations(model):
    """Return what to cite.

    Parameters
    ----------
    model : TableTransfer
        Fitted.

    Returns
    -------
    list of str
    """
    found = [f"skxfer {__version__} (there is no paper on it)", LEARNER]
    for name, learner in model.models_.items():
        used = {
            strategy.partition(":")[0]
            for t, of in enumerate(model.learner_)
            if of == name
            for strategy, share in zip(learner.strategies_, learner.weights_[t], strict=True)
            if share
        }
        found += [text for strategy, text in STRATEGIES.items() if strategy in used]
    kinds = {column.kind for column in model.columns_.values()}
    given = model.view_.featurizer_.get_params(deep=False)
    found += [text for kind, text in DESCRIPTORS.items() if kind in kinds and given[kind] is None]
    return list(dict.fromkeys(found))

"""All cases of the fuzz."""

from fuzz_cases import Kind, cases_of
from fuzz_file_cases import FILE_KINDS, FILES
from fuzz_label_kinds import DOMAIN_KINDS, GROUP_KINDS, LABEL_KINDS, WEIGHT_KINDS
from fuzz_object_kinds import OBJECT_KINDS
from fuzz_object_subjects import OBJECTS
from fuzz_parameters import VALUES, parameter_subjects
from fuzz_table_kinds import NEW_KINDS, TABLE_KINDS
from fuzz_table_subjects import TABLES


def _deployed(kinds):
    """Kinds of new rows, as rows that will be predicted."""
    return [
        kind._replace(argument="X_deploy")
        for kind in kinds
        if "column" not in kind.name and kind.name != "None"
    ]


CASES = [
    *cases_of(TABLES, [*TABLE_KINDS, *NEW_KINDS, *LABEL_KINDS, *DOMAIN_KINDS, *GROUP_KINDS, *WEIGHT_KINDS]),
    *cases_of(TABLES, _deployed(NEW_KINDS)),
    *cases_of(OBJECTS, OBJECT_KINDS),
    *cases_of(FILES, FILE_KINDS),
    *cases_of(
        parameter_subjects(),
        [Kind(name, "parameter", lambda _, given, v=value: v, "error") for name, value in VALUES.items()],
    ),
]

# Training a network, or a study, takes long: a few cases of them are enough in `make test`.
_HEAVY = ("HMNN", "LGDCNN", "SchNet", "QDD", "learning_curve", "portability", "SmilesToAtoms")


def is_heavy(case):
    """Whether a case takes long."""
    return case.subject.name.startswith(_HEAVY) and case.kind.argument != "parameter"

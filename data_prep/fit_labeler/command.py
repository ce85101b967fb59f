"""`python -m data_prep.fit_labeler`: trains the learned labeler on sections that were read."""

import argparse
import sys
from pathlib import Path

import numpy as np

from data_prep.cli.progress import Progress
from data_prep.fit_labeler.examples import Example, examples, read_sections
from data_prep.fit_labeler.scores import counts, f1_by_kind, right_categories
from data_prep.fit_labeler.training import FOLDS, fit, folds_by_site
from data_prep.label.learned.features import PARTS
from data_prep.label.learned.model import NodeModel, import_lightgbm
from data_prep.label.rules import Table
from data_prep.records.captured import Authors
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.best_labels import best_labels

USAGE = """Trains the learned labeler (data_prep.label --with learned) on sections read by eye.

  python -m data_prep.fit_labeler --read data/read/ana data/read/bo --records data/raw \\
      --out my.json.gz
  python -m data_prep.label data/raw --with learned --labeler my.json.gz

--read: folders of labeled records, such as data_prep.annotate writes. --records: what
data_prep.capture wrote, with the author.jsonl of those records. Prints how it labels makers that it
has not learned from, beside the rules: those of --test, else a fifth of the makers, which the model
that is written has learned from, too. docs/labels.md says more."""


def main(argv: list[str]) -> int | None:
    options = parse_flags(argv)
    import_lightgbm()  # before minutes of work
    table = Table.load(options.rules)
    found = collect(options.read, options, table)
    if options.test:
        train, test = found, collect(options.test, options, table)
        check_makers(train, test)
    else:
        fold = folds_by_site([example.site for example in found], FOLDS)
        train = [found[i] for i in np.flatnonzero(fold)]
        test = [found[i] for i in np.flatnonzero(fold == 0)]
    model = fit(train, options.rounds, about_of(train))
    print(report(test, model))
    if not options.test:  # the figures are known, and the rest teaches something, too
        model = fit(found, options.rounds, about_of(found))
    model.save(Path(options.out))
    print(f"{options.out}: learned from {model.about['sections']} sections", file=sys.stderr)
    return None


def parse_flags(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m data_prep.fit_labeler",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--read", required=True, nargs="+", metavar="DIR", help="sections that were read")
    add("--test", nargs="+", metavar="DIR", help="sections of other makers, for the figures alone")
    add("--records", required=True, nargs="+", metavar="DIR", help="where they were captured to")
    add("--out", required=True, metavar="FILE.json.gz", help="the model")
    add("--rules", metavar="FILE", help="another table of rules; its votes are features")
    add(
        "--features",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"see some parts alone, of {', '.join(PARTS)} (default all)",
    )
    add("--rounds", type=int, default=80, help="trees for each label (default 80)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        raise BadUsage(f"--rounds {options.rounds}: 1 at least")
    return options


def collect(folders: list[str], options: argparse.Namespace, table: Table) -> list[Example]:
    """The sections with their features; a line says how many have no author.jsonl."""
    records = read_sections(map(Path, folders))
    authors = [Authors(Path(folder)) for folder in options.records]
    told = list(examples(Progress(records, "sections"), authors, table, options.features))
    found = [example for example in told if example is not None]
    if missing := len(told) - len(found):
        line = f"{missing} sections left out: no author.jsonl of --records has them"
        print(line, file=sys.stderr)
    makers = len({example.site for example in found})
    if makers < FOLDS:
        raise BadInput(
            f"{len(found)} sections of {makers} makers in {' '.join(folders)}: {FOLDS} makers are "
            "the least, since each fifth of them is left out in turn"
        )
    return found


def check_makers(train: list[Example], test: list[Example]) -> None:
    common = {example.site for example in train} & {example.site for example in test}
    if common:
        raise BadInput(
            f"{len(common)} makers are in --read and in --test, such as {min(common)}: what was "
            "learned from a maker says nothing of others"
        )


def about_of(found: list[Example]) -> dict[str, int]:
    return {"sections": len(found), "makers": len({example.site for example in found})}


def report(test: list[Example], model: NodeModel) -> str:
    """F1 of the rules and of the learned labeler on makers that are not in training."""
    sites = [example.site for example in test]
    told = [
        best_labels(model.log_probabilities(e.rows, e.children), e.children, e.shows) for e in test
    ]
    by_rules = f1_by_kind(counts([example.by_rules for example in test], test), sites)
    learned = f1_by_kind(counts(told, test), sites)
    by_rules |= _categories([example.category_by_rules for example in test], test, sites)
    learned |= _categories([_category(model, example) for example in test], test, sites)
    lines = [
        f"F1 of labels on the same html node, and the share of categories that are right, "
        f"{len(test)} sections of {len(set(sites))} makers "
        f"that are not among the {model.about['makers']} in training; 95 % over makers",
        f"{'':12}{'rules':>24}{'learned':>24}",
    ]
    for kind in by_rules:
        row = ["{:.3f} [{:.3f}, {:.3f}]".format(*scores[kind]) for scores in (by_rules, learned)]
        lines.append(f"{kind:12}{row[0]:>24}{row[1]:>24}")
    return "\n".join(lines)


def _category(model: NodeModel, example: Example) -> int:
    """Of the model, or of the rules where it has none."""
    if not model.category:
        return example.category_by_rules
    return model.most_probable_category(example.section)[0]


def _categories(told: list[int], test: list[Example], sites: list[str]) -> dict:
    """The share of sections whose category is right, with its interval."""
    return f1_by_kind(right_categories(told, test), sites, ["category"])

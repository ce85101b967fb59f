"""What kind of section it is: by its author's words, then by its title, then by what is in it."""

import re
from collections import Counter

from data_prep.label_view import View
from xojl_jax.xojl.tree import Forest, preorder

# In the order in which they are tried: the narrow ones first.
_WORDS = (
    ("footer", r"footer|copyright|colophon"),
    ("faq", r"faqs?|frequently"),
    ("pricing", r"pricing|price-table|plans?"),
    ("testimonials", r"testimonials?|reviews?|quotes?|clients-say"),
    ("newsletter", r"newsletter|subscribe|mailchimp"),
    ("team", r"team|staff|our-people"),
    ("stats", r"stats?|statistics|counters?|facts|numbers"),
    ("steps", r"steps?|timeline|how-it-works|process"),
    ("logos", r"clients?|logos?|brands?|partners?|sponsors?"),
    ("gallery", r"gallery|portfolio|lightbox|masonry"),
    ("blog", r"blog|posts?|articles?|news"),
    ("products", r"products?|shop|store"),
    ("contact", r"contact|get-in-touch"),
    ("cta", r"cta|call-to-action"),
    ("hero", r"hero|masthead|jumbotron|intro|banner|page-header"),
    ("features", r"features?|services?|benefits?"),
    ("about", r"about|about-us|story|mission"),
    ("navigation", r"navbar|navigation|topbar|menu|navbar-container"),
)
_PATTERNS = tuple((name, re.compile(rf"(?<![a-z])({words})(?![a-z])")) for name, words in _WORDS)
_TITLES = (
    ("pricing", r"pricing|prices|plans"),
    ("faq", r"faq|questions"),
    ("testimonials", r"testimonials?|what .* say|reviews"),
    ("team", r"\bteam\b"),
    ("contact", r"contact|get in touch|say hi"),
    ("gallery", r"portfolio|gallery|our work"),
    ("features", r"services|features|why us|what we do"),
    ("about", r"^about|our story|who we are"),
    ("blog", r"blog|news|latest"),
    ("newsletter", r"newsletter|subscribe|stay in touch"),
    ("products", r"products|shop"),
)
_TITLE_PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _TITLES)


def category_of(view: View, layout: Forest) -> str:
    """One of record.CATEGORIES."""
    if view.tag[0] == "footer":
        return "footer"
    if view.tag[0] == "nav":
        return "navigation"
    said = f"{view.words[0]} {' '.join(view.words[kid] for kid in view.children[0])}"
    for name, pattern in _PATTERNS:
        if pattern.search(said):
            return name
    counts = Counter(visit.node.element for visit in preorder(layout))
    titles = [view.text[i] for i in range(len(view)) if re.fullmatch("h[1-3]", view.tag[i])]
    for name, pattern in _TITLE_PATTERNS:
        if titles and pattern.search(titles[0]):
            return name
    return _by_content(view, counts)


def _by_content(view: View, counts: Counter) -> str:
    width, height = view.box[0][2:]
    if view.fields[0] >= 2:
        return "form"
    if counts["counter"] >= 3:
        return "stats"
    if counts["accordion"]:
        return "faq" if counts["accordion"] and counts["image"] == 0 else "content"
    if counts["gallery"] or counts["masonry"] or counts["image"] >= 4 > counts["paragraph"]:
        return "gallery"
    if view.tag[0] == "header" or "h1" in view.tag:
        if height < 140 and width > 600:
            return "navigation" if counts["list"] else "content"
        if height > 250 and (view.tag[0] == "header" or counts["button"]):
            return "hero"
    if counts["column"] >= 3 and counts["heading"] >= 3:
        return "features"
    if counts["button"] and counts["heading"] == 1 and sum(counts.values()) <= 8:
        return "cta"
    return "content"

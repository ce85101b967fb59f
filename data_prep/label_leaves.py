"""Which element a node is by itself: the leaves, and the three containers that people name.

The mark-up and the author's words say most of it; looks decide between heading and paragraph,
button and link. What an element means is settled in docs/record.md; a rule here is a way to see it.
"""

import re

from data_prep.label_view import View

_CAROUSEL = re.compile(
    r"\b(carousel|slideshow|swiper|slick|owl-carousel|flickity|splide|glide|uk-slider)\b(?!-(item|caption|"
    r"inner|indicators|control|items|nav|slide|wrapper|pagination|button))"
)
_ACCORDION = re.compile(
    r"\b(accordion|uk-accordion|collapse-group)\b(?!-(item|title|content|body|header|button))"
)
_TAB_BAR = re.compile(r"\b(tablist|nav-tabs|uk-tab|tab-list|tabs-nav|uk-subnav-pill)\b")
_PANELS = re.compile(r"\b(tab-content|uk-switcher|tabpanel|tab-panels?|tabs-content)\b")
_BUTTON = re.compile(r"\b(btn|button|uk-button|cta-button)\b(?!-(group|toolbar|list|row|wrapper))")
_MAP = re.compile(r"\b(map|gmap|google-?map|leaflet|jvectormap|mapbox|map-?canvas|world-map)\b")
_VIDEO = re.compile(r"\b(video|youtube|vimeo|player)\b")
_VIDEO_HOST = re.compile(
    r"youtube|youtu\.be|vimeo|wistia|dailymotion|\.(mp4|webm)\b", re.IGNORECASE
)
_MAP_HOST = re.compile(
    r"google\.[a-z.]+/maps|maps\.google|openstreetmap|mapbox|bing\.com/maps", re.I
)
_QR = re.compile(r"\bqr(-?code)?\b")
_DIVIDER = re.compile(r"\b(divider|separator|hr)\b")
_ICON = re.compile(
    r"\b(icon|icons|fa|fas|far|fab|fe|bi|ni|uk-icon|glyphicon|material-icons|avatar-icon|logo)\b"
)
_PHOTO = re.compile(
    r"\b(avatar|photo|portrait|team|author|user|profile|img-thumbnail|rounded-circle)\b"
)
_COUNTER = re.compile(r"\b(count|counter|countup|countdown|uk-countdown|odometer)\b")
_SOCIAL = re.compile(
    r"\b(facebook|twitter|x-twitter|linkedin|instagram|youtube|pinterest|dribbble|github|behance|tumblr"
    r"|vk|whatsapp|telegram|tiktok|snapchat|reddit|google-plus|medium|slack|fa-facebook-f|fa-linkedin-in)\b"
)
_MASONRY = re.compile(r"\bmasonry\b")
_FIGURE = re.compile(r"^[^\w]{0,3}\d[\d.,\s]*\s?([%+kKmMbBx°★]|hrs?|min|yrs?)?\+?$")
_SENTENCE = re.compile(r"[.!?]\s+\S")
_RASTER = re.compile(r"\.(jpe?g|webp|avif)\b", re.IGNORECASE)

NAMED_CONTAINERS = frozenset({"carousel", "accordion", "tab"})


def elements_of(view: View) -> dict[int, str]:
    """html node -> element, for leaves and named containers. Nothing inside a leaf is there."""
    out: dict[int, str] = {}
    tabs = _tabs(view)
    stack = [0]
    while stack:
        index = stack.pop()
        element = None if index == 0 else _container(view, index, tabs, out) or _leaf(view, index)
        if element:
            out[index] = element
        if element is None or element in NAMED_CONTAINERS:
            stack.extend(view.children[index])
    return out


def _container(view: View, index: int, tabs: set[int], out: dict[int, str]) -> str | None:
    above = {out[i] for i in view.ancestors(index) if i in out}
    if index in tabs and "tab" not in above:
        return "tab"
    many = len(view.children[index]) > 0 and view.texts[index] + view.pictures[index] > 1
    if many and "carousel" not in above and view.says(index, _CAROUSEL):
        return "carousel"
    if many and "accordion" not in above:
        kids = view.children[index]
        details = sum(view.tag[kid] == "details" for kid in kids)
        if view.says(index, _ACCORDION) or details >= 2:
            return "accordion"
    return None


def _tabs(view: View) -> set[int]:
    """Smallest nodes that hold a bar of tabs and its panels."""
    bars = [i for i in range(len(view)) if view.says(i, _TAB_BAR)]
    out = set()
    for panel in (i for i in range(len(view)) if view.says(i, _PANELS)):
        before = [bar for bar in bars if view.end[bar] <= panel]
        if before:
            around = set(view.ancestors(before[-1]))
            both = next((i for i in view.ancestors(panel) if i in around), 0)
            if both and view.end[both] - both < len(view) * 0.95:
                out.add(both)
    return {i for i in out if not any(a in out for a in view.ancestors(i))}


def _leaf(view: View, index: int) -> str | None:
    """The element of a leaf, or None: then the node's children are looked at."""
    if view.is_field(index):
        return None
    for rule in (_special, _divider, _social, _button, _counter, _list, _pictures, _text):
        if element := rule(view, index):
            return element
    return None


def _special(view: View, index: int) -> str | None:
    tag, about = view.tag[index], view.author[index]
    width, height = view.box[index][2:]
    address = " ".join(about.get(name, "") for name in ("src", "data-src", "title", "href"))
    shows = view.pictures[index] + view.drawings[index]
    if view.says(index, _QR) and shows and width < 400:
        return "qr"
    if tag == "iframe":
        if _MAP_HOST.search(address) or re.search(r"\bmaps?\b", address.lower()):
            return "map"
        return "video"
    if tag == "video" or (_VIDEO_HOST.search(about.get("href", "")) and view.pictures[index]):
        return "video"
    if view.says(index, _MAP) and height > 100 and view.texts[index] <= 2 and shows:
        return "map"
    return None


def _divider(view: View, index: int) -> str | None:
    width, height = view.box[index][2:]
    if view.tag[index] == "hr":
        return "divider"
    if view.texts[index] or view.pictures[index]:
        return None
    if view.says(index, _DIVIDER) and (height <= 64 or width <= 12):
        return "divider"
    thin = (height <= 4 and width >= 24) or (width <= 4 and height >= 24)
    if thin and not view.drawings[index] and view.is_painted(index) and not view.children[index]:
        return "divider"
    return None


def _social(view: View, index: int) -> str | None:
    links = [i for i in view.subtree(index) if view.tag[i] in ("a", "button")]
    links = [i for i in links if i != index or len(links) > 1]
    if len(links) < 2 or index in links:
        return None
    known = sum(_is_social(view, i) for i in links)
    if known < max(2, 0.75 * len(links)):
        return None
    if len(view.children[index]) == 1 and len(links) > 1:
        return None  # the innermost node that holds all
    loose = [i for i in view.subtree(index) if "text" in view.kinds[i]]
    inside = sum(any(link <= i < view.end[link] for link in links) for i in loose)
    return "social" if inside == len(loose) else None


def _is_social(view: View, link: int) -> bool:
    about = view.author[link]
    said = [view.words[i] for i in view.subtree(link)]
    said += [about.get("href", ""), about.get("aria-label", ""), about.get("title", "")]
    said += [view.author[i].get("data-icon", "") for i in view.subtree(link)]
    said += [view.author[i].get("uk-icon", "") for i in view.subtree(link)]
    if len(view.text[link]) < 16:
        said.append(view.text[link])
    return bool(_SOCIAL.search(" ".join(said).lower().replace("_", "-")))


def _button(view: View, index: int) -> str | None:
    width, height = view.box[index][2:]
    text = view.text[index]
    if view.is_submit(index):
        return "button"
    if height > 110 or len(text) > 60 or view.fields[index] or width > 700:
        return None
    named = view.tag[index] == "button" or view.says(index, _BUTTON)
    if named and view.tag[index] in ("a", "button", "label", "span", "div", "input"):
        shown = view.texts[index] + view.drawings[index] + view.pictures[index]
        # A menu that opens has its items below the button, in the same node.
        return "button" if shown and view.links[index] <= 1 else None
    if view.tag[index] == "a" and text and view.is_painted(index) and 20 <= height <= 90:
        inline = all(
            view.tag[i] in ("span", "i", "svg", "b", "strong", "em", "img")
            for i in range(index + 1, view.end[index])
        )
        return "button" if inline else None
    return None


def _counter(view: View, index: int) -> str | None:
    """A large figure with its label: the smallest node that holds both."""
    text = view.text[index]
    if not text or len(text) > 80 or not re.search(r"\d", text) or view.links[index] > 1:
        return None
    lines = _lines(view, index)
    if view.says(index, _COUNTER) and len(lines) >= 2 and view.box[index][3] < 260:
        return "counter"
    figures = [i for i in lines if _FIGURE.match(view.text[i])]
    labels = [i for i in lines if i not in figures]
    if len(figures) != 1 or not 1 <= len(labels) <= 2 or len(view.children[index]) < 2:
        return None
    if any(len(view.text[i]) > 40 for i in labels):
        return None
    large = max(view.font_size(i) for i in view.subtree(figures[0]))
    small = max(view.font_size(i) for label in labels for i in view.subtree(label))
    return "counter" if large >= 1.4 * small and large >= 20 else None


def _lines(view: View, index: int) -> list[int]:
    """The outermost nodes of the subtree that are one line of text each."""
    out, stack = [], [index]
    while stack:
        here = stack.pop()
        if here != index and view.is_line_of_text(here):
            out.append(here)
        else:
            stack.extend(reversed(view.children[here]))
    return out


def _list(view: View, index: int) -> str | None:
    """A run of three or more simple items of one kind (two in a list by tag)."""
    kids = view.children[index]
    tag = view.tag[index]
    by_tag = tag in ("ul", "ol", "dl") or "list" in view.author[index].get("role", "").split()
    if len(kids) < (2 if by_tag else 3) or "text" in view.kinds[index]:
        return None
    if not all(_is_item(view, kid) for kid in kids):
        return None
    if by_tag:
        return "list"
    first = [_item_kind(view, kid) for kid in kids]
    alike = max(first.count(kind) for kind in set(first))
    return "list" if alike == len(kids) and first[0] in ("a", "button", "chip", "list") else None


def _is_item(view: View, index: int) -> bool:
    inside = list(view.subtree(index))
    if view.fields[index] or len(view.text[index]) > 140 or view.texts[index] > 6:
        return False
    if any(re.fullmatch(r"h[1-4]", view.tag[i]) or view.tag[i] == "table" for i in inside):
        return False
    large = [i for i in inside if view.tag[i] in ("img", "video", "iframe", "canvas")]
    if any(min(view.box[i][2:]) > 48 for i in large):
        return False
    return bool(view.texts[index] + view.drawings[index] + view.pictures[index])


def _item_kind(view: View, index: int) -> str:
    if view.tag[index] == "a":
        return "button" if _button(view, index) else "a"
    if view.tag[index] == "button" or _button(view, index):
        return "button"
    painted = view.is_painted(index) and view.is_line_of_text(index) and view.box[index][3] < 48
    if painted and view.box[index][2] < 260:
        return "chip"
    inner = view.children[index]
    if len(inner) == 1 and view.tag[inner[0]] == "a" and "text" not in view.kinds[index]:
        return _item_kind(view, inner[0])
    return "other"


def _pictures(view: View, index: int) -> str | None:
    width, height = view.box[index][2:]
    tag = view.tag[index]
    kids = view.children[index]
    if len(kids) >= 3 and view.pictures[index] >= 3:
        cells = [kid for kid in kids if _is_picture_cell(view, kid)]
        if len(cells) == len(kids):
            return "masonry" if _is_uneven(view, index, cells) else "gallery"
    if tag in ("img", "canvas", "picture", "object", "embed"):
        small = max(width, height) <= 96
        photo = view.says(index, _PHOTO) or _RASTER.search(view.author[index].get("src", ""))
        if small and not photo and abs(width - height) <= 0.5 * max(width, height):
            return "icon"
        return "image"
    if "svg" in view.kinds[index] or (view.drawings[index] and not view.texts[index]):
        alone = not view.texts[index] and not view.pictures[index] and not view.fields[index]
        if alone and (view.drawings[index] == 1 or _one_over_another(view, index)):
            if kids and len(kids) == 1 and view.kinds[index] == set():
                return None  # the element itself
            return "icon" if max(width, height) <= 128 else "image"
    look = view.look[index].get("background-image", "none")
    empty = not view.texts[index] and not view.pictures[index] and not view.drawings[index]
    if "url(" in look and empty and not view.fields[index] and min(width, height) >= 24:
        return "icon" if max(width, height) <= 64 and not view.says(index, _PHOTO) else "image"
    return None


def _one_over_another(view: View, index: int) -> bool:
    """Stacked drawings (a sign on a disc) are one pictogram."""
    drawn = [view.box[i] for i in view.subtree(index) if "svg" in view.kinds[i]]
    return max(view.box[index][2:]) <= 128 and all(
        abs(b[0] + b[2] / 2 - drawn[0][0] - drawn[0][2] / 2) < 8
        and abs(b[1] + b[3] / 2 - drawn[0][1] - drawn[0][3] / 2) < 8
        for b in drawn
    )


def _is_picture_cell(view: View, index: int) -> bool:
    """One picture that fills its cell but for one caption line."""
    shown = [i for i in view.subtree(index) if view.tag[i] in ("img", "canvas")]
    if len(shown) != 1 or view.texts[index] > 1 or len(view.text[index]) > 60:
        return False
    picture = view.box[shown[0]]
    width, height = view.box[index][2:]
    return (
        min(picture[2:]) > 96
        and picture[2] >= 0.7 * width
        and height - picture[3] <= 0.3 * height + 24
        and not any(re.fullmatch(r"h[1-4]|button", view.tag[i]) for i in view.subtree(index))
    )


def _is_uneven(view: View, index: int, cells: list[int]) -> bool:
    if any(view.says(i, _MASONRY) for i in (index, *view.ancestors(index))):
        return True
    tops: dict[int, list[float]] = {}
    for cell in cells:
        tops.setdefault(round(view.box[cell][1] / 8), []).append(view.box[cell][3])
    rows = [heights for heights in tops.values() if len(heights) > 1]
    return any(max(heights) > 1.2 * min(heights) for heights in rows)


def _text(view: View, index: int) -> str | None:
    if not view.texts[index]:
        return None
    heading = re.fullmatch(r"h[1-6]", view.tag[index])
    own = "text" in view.kinds[index]
    whole = view.is_line_of_text(index) and (
        own or heading or view.tag[index] in ("p", "blockquote")
    )
    if not whole:
        return None
    text = view.text[index]
    sizes = [view.font_size(i) for i in view.subtree(index) if "text" in view.kinds[i]]
    bold = view.is_bold(index) or any(view.is_bold(i) for i in view.subtree(index))
    size, body = max(sizes), view.body_size
    if len(text) > 140 or _SENTENCE.search(text):
        return "paragraph"
    if heading:
        plain = size <= body and not bold
        return "paragraph" if plain else "heading"
    if view.tag[index] in ("label", "td", "blockquote", "small", "time"):
        return "paragraph"
    if view.tag[index] == "a" and not re.search(r"\b(title|heading)\b", view.words[index]):
        return "paragraph"
    if size >= 1.35 * body or (bold and size >= 1.1 * body):
        return "heading"
    named = re.search(r"\b(title|heading|headline|subheading|display)\b", view.words[index])
    return "heading" if named and (bold or size > body) else "paragraph"

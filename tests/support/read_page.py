"""A page as its reader sees it; what is not well formed, or styled or scripted in place, is an error."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TypeVar

Read = TypeVar("Read", bound="Reader")
VOID = {"meta", "link", "br", "hr", "img", "input", "col", "wbr"}


class Reader(HTMLParser):
    """Text, by the id of what it stands in last; ids, links, what is loaded, and that all that is opened is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text: dict[str, str] = {}
        self.numbers: list[float] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        assert len(values) == len(attrs), "an attribute twice"
        assert not any(name.startswith("on") or name == "style" for name in values)
        self.ids += [values["id"]] if "id" in values else []
        (self.links if tag in ("a", "use") else self.loads).extend(
            values[name] for name in ("href", "src", "srcset", "action", "data", "poster") if name in values
        )
        self.numbers += [float(values["value"])] if tag == "data" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        place = self.ids[-1] if self.ids else ""
        self.text[place] = self.text.get(place, "") + data


def parse(html: str) -> Reader:
    """AssertionError where it is not well formed, or an id stands twice."""
    return read(Reader(), html)


def read(reader: Read, html: str) -> Read:
    """The reader, once it has read all of it; as `parse`."""
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    return reader

"""Terms that explain themselves."""

from __future__ import annotations

import ast
import re
from html.parser import HTMLParser

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.paths import PROJECT
from pages.components.glossary import TERMS, marked

MARKED = re.compile(r"\[\[([^\]]*)\]\]")


def texts(source: str) -> list[str]:
    """All text in a program but what documents it."""
    tree = ast.parse(source)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documents
    ]


def used() -> dict[str, str]:
    """Each term that a page uses, and where."""
    found = {}
    for file in sorted((PROJECT / "pages").rglob("*.py")):
        if file.name == "glossary.py":
            continue
        for text in texts(file.read_text(encoding="utf-8")):
            for inner in MARKED.findall(text):
                found[inner.partition("|")[2] or inner] = file.name
    return found


class Definitions(HTMLParser):
    """What a browser makes of it: text, and of each term its words and its meaning."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.terms: list[dict[str, str | None]] = []
        self.feed(written)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.terms.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_terms_that_pages_use_are_there() -> None:
    assert len(used()) > 15, "there are such terms"
    assert {term: where for term, where in used().items() if term not in TERMS} == {}


def test_the_text_of_a_program_is_found_but_what_documents_it() -> None:
    program = '"""[[a]]"""\nx = f"[[b]] {1} " "[[" "c|d]]"\ndef f():\n    "[[e]]"\n'
    found = [inner for text in texts(program) for inner in MARKED.findall(text)]
    assert found == ["b", "c|d"]


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_shown_with_its_meaning(term: str) -> None:
    shown = Definitions(marked(f"Of a [[{term}]] and [[other words|{term}]]."))
    assert shown.text == f"Of a {term} and other words."
    assert shown.tags == ["dfn", "dfn"]
    for attributes in shown.terms:
        assert attributes["data-means"] == attributes["aria-description"] == TERMS[term]
        assert attributes["tabindex"] == "0"


@pytest.mark.parametrize("text", ["[[nonsense]]", "[[softmax|nonsense]]", "a [[Softmax]]"])
def test_an_unknown_term_is_an_error(text: str) -> None:
    with pytest.raises(KeyError):
        marked(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 < 2 & 3 > 2",
        "<script>alert(1)</script>",
        'an "attribute" of it\'s own',
        "&lt; as it stands",
        "[one] [[",
    ],
)
def test_text_is_shown_as_it_stands(text: str) -> None:
    shown = Definitions(marked(text))
    assert shown.text == text
    assert shown.tags == []


def test_words_for_a_term_are_shown_as_they_stand_too() -> None:
    shown = Definitions(marked("[[<b>sums</b> & so on|logit]]"))
    assert shown.text == "<b>sums</b> & so on"
    assert shown.tags == ["dfn"]


def test_a_paragraph_on_a_page() -> None:
    def page() -> None:
        from pages.components.glossary import prose

        prose("A [[unit]] < all.")

    app = AppTest.from_function(page).run()
    assert not app.exception
    (shown,) = (element.proto.body for element in app.get("html"))
    assert shown.startswith('<p class="ds-prose">A <dfn ') and shown.endswith(
        "</dfn> &lt; all.</p>"
    )

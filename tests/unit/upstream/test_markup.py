"""That usual tags are read as the parser of the standard library reads all."""

from html.parser import HTMLParser

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.upstream.markup import MarkupReader

PIECES = [
    "<a", "<A", "<br", "<b", "<br/>", "<br />", "<br>", "</a>", "</A>", "</a >", ">", "/>", " >", " ", "  ", "\n", "x",
    ' href="x"', ' href="y"', ' a="&gt;=3&amp;&lt;"', ' b="&copy=1"', ' c="&gt"', ' d="&#62;"', ' e=""', " f", " g=1",
    " h='1'", ' I="1"', ' j="<a k="', ' l="a>b"', 'm="1"', ' n ="1"', ' o="\x00"', ' "', '"', "&gt;", "&",
    "<script>", "</script>", "<style", "<!-- ", "-->", "<!x>", "<?x>", "<![x",
]  # fmt: skip
# Whole tags, so that not only broken ones are tried.
TAGS = st.lists(st.sampled_from(PIECES[17:31]), max_size=4).map(
    lambda said: f"<a{''.join(said)}>x</a><br />\n"
)
DOCUMENTS = st.lists(st.sampled_from(PIECES) | TAGS, max_size=12).map("".join)


class Reader(MarkupReader):
    def __init__(self):
        super().__init__("The page")
        self.told = []

    def start(self, tag, attributes):
        self.told.append((tag, attributes))

    def end(self, tag):
        self.told.append(tag)

    def handle_data(self, data):
        self.told.append(data)


class PlainReader(Reader):
    parse_starttag = HTMLParser.parse_starttag
    parse_endtag = HTMLParser.parse_endtag
    updatepos = HTMLParser.updatepos


def read(reader, parts):
    try:
        for part in parts:
            reader.read(part)
        reader.finish()
    except UpstreamUnavailable as error:
        reader.told.append(error.message)
    return reader.told, reader.rawdata


@given(DOCUMENTS, st.integers(0, 100))
@example('<a href="x" href="y" a="&gt;=3" >x</a><br />', 20)
@example("<script><a></a></script></a>", 0)
@settings(deadline=None, max_examples=500)
def test_usual_tags_are_read_as_all_others_are(text, at):
    parts = [text[:at], text[at:]]

    assert read(Reader(), parts) == read(PlainReader(), parts)

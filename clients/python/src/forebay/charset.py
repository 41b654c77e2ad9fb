"""MySQL's character sets and collations by PyMySQL's names, for programs that look
them up. The service's connections have utf8mb4, whatever is asked here."""

from __future__ import annotations

from typing import Optional

#: SHOW COLLATION: of each character set the collations by their ids, without
#: the set's name that they begin with; the default has a star.
_COLLATIONS = """
big5: 1 chinese_ci*, 84 bin
latin2: 2 czech_cs, 9 general_ci*, 21 hungarian_ci, 27 croatian_ci, 77 bin
dec8: 3 swedish_ci*, 69 bin
cp850: 4 general_ci*, 80 bin
latin1: 5 german1_ci, 8 swedish_ci*, 15 danish_ci, 31 german2_ci, 47 bin, 48 general_ci, 49
    general_cs, 94 spanish_ci
hp8: 6 english_ci*, 72 bin
koi8r: 7 general_ci*, 74 bin
swe7: 10 swedish_ci*, 82 bin
ascii: 11 general_ci*, 65 bin
ujis: 12 japanese_ci*, 91 bin
sjis: 13 japanese_ci*, 88 bin
cp1251: 14 bulgarian_ci, 23 ukrainian_ci, 50 bin, 51 general_ci*, 52 general_cs
hebrew: 16 general_ci*, 71 bin
tis620: 18 thai_ci*, 89 bin
euckr: 19 korean_ci*, 85 bin
latin7: 20 estonian_cs, 41 general_ci*, 42 general_cs, 79 bin
koi8u: 22 general_ci*, 75 bin
gb2312: 24 chinese_ci*, 86 bin
greek: 25 general_ci*, 70 bin
cp1250: 26 general_ci*, 34 czech_cs, 44 croatian_ci, 66 bin, 99 polish_ci
gbk: 28 chinese_ci*, 87 bin
cp1257: 29 lithuanian_ci, 58 bin, 59 general_ci*
latin5: 30 turkish_ci*, 78 bin
armscii8: 32 general_ci*, 64 bin
utf8mb3: 33 general_ci*, 76 tolower_ci, 83 bin, 192 unicode_ci, 193 icelandic_ci, 194
    latvian_ci, 195 romanian_ci, 196 slovenian_ci, 197 polish_ci, 198 estonian_ci, 199
    spanish_ci, 200 swedish_ci, 201 turkish_ci, 202 czech_ci, 203 danish_ci, 204 lithuanian_ci,
    205 slovak_ci, 206 spanish2_ci, 207 roman_ci, 208 persian_ci, 209 esperanto_ci, 210
    hungarian_ci, 211 sinhala_ci, 212 german2_ci, 213 croatian_ci, 214 unicode_520_ci, 215
    vietnamese_ci, 223 general_mysql500_ci
cp866: 36 general_ci*, 68 bin
keybcs2: 37 general_ci*, 73 bin
macce: 38 general_ci*, 43 bin
macroman: 39 general_ci*, 53 bin
cp852: 40 general_ci*, 81 bin
utf8mb4: 45 general_ci*, 46 bin, 224 unicode_ci, 225 icelandic_ci, 226 latvian_ci, 227
    romanian_ci, 228 slovenian_ci, 229 polish_ci, 230 estonian_ci, 231 spanish_ci, 232
    swedish_ci, 233 turkish_ci, 234 czech_ci, 235 danish_ci, 236 lithuanian_ci, 237 slovak_ci,
    238 spanish2_ci, 239 roman_ci, 240 persian_ci, 241 esperanto_ci, 242 hungarian_ci, 243
    sinhala_ci, 244 german2_ci, 245 croatian_ci, 246 unicode_520_ci, 247 vietnamese_ci, 255
    0900_ai_ci
cp1256: 57 general_ci*, 67 bin
binary: 63 *
geostd8: 92 general_ci*, 93 bin
cp932: 95 japanese_ci*, 96 bin
eucjpms: 97 japanese_ci*, 98 bin
gb18030: 248 chinese_ci*, 249 bin, 250 unicode_520_ci
"""

#: Bytes of the longest character, of some sets by the id of their collation.
MBLENGTH = {8: 1, 33: 3, 88: 2, 91: 2}

#: Where Python's name of an encoding is another one.
_ENCODINGS = {
    "utf8mb4": "utf8",
    "utf8mb3": "utf8",
    "latin1": "cp1252",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
}


class Charset:
    """A collation, its character set, and its id in MySQL's protocol."""

    def __init__(self, id: int, name: str, collation: str, is_default: bool = False) -> None:
        self.id = id
        self.name = name
        self.collation = collation
        self.is_default = is_default

    def __repr__(self) -> str:
        return f"Charset(id={self.id}, name={self.name!r}, collation={self.collation!r})"

    @property
    def encoding(self) -> str:
        """Python's name for it; Python does not have all of them."""
        return _ENCODINGS.get(self.name, self.name)

    @property
    def is_binary(self) -> bool:
        """Whether it is no text but bytes."""
        return self.id == 63


class Charsets:
    """The known ones, to be looked up."""

    def __init__(self) -> None:
        self._by_id: dict[int, Charset] = {}
        self._by_name: dict[str, Charset] = {}

    def add(self, c: Charset) -> None:
        """Adds a collation; a set's default is what its name stands for."""
        self._by_id[c.id] = c
        if c.is_default:
            self._by_name[c.name] = c

    def by_id(self, id: int) -> Charset:
        """:raises KeyError: there is none."""
        return self._by_id[id]

    def by_name(self, name: str) -> Optional[Charset]:
        """The default collation of a set; `utf8` is utf8mb4. None if there is none."""
        name = name.lower()
        return self._by_name.get("utf8mb4" if name == "utf8" else name)


def _known() -> Charsets:
    known = Charsets()
    name = ""
    for word in _COLLATIONS.replace(",", " ").split():
        if word.endswith(":"):
            name = word[:-1]
        elif word.isdigit():
            number = int(word)
        else:
            collation = f"{name}_{word.rstrip('*')}".rstrip("_")
            known.add(Charset(number, name, collation, word.endswith("*")))
    return known


_charsets = _known()
charset_by_name = _charsets.by_name
charset_by_id = _charsets.by_id

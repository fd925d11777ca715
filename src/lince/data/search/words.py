"""Words as a search compares them: without accents, case and endings, English and Portuguese beside each other."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")

_STOP_WORDS = frozenset(
    {
        *("a", "an", "and", "are", "as", "at", "by", "for", "from", "in", "is", "it", "no", "not", "of", "on", "or"),
        *("that", "the", "to", "was", "were", "with", "without"),
        *("ao", "aos", "as", "com", "da", "das", "de", "do", "dos", "e", "em", "na", "nas", "nos", "o", "os", "ou"),
        *("para", "pela", "pelo", "por", "que", "sem", "um", "uma"),
    }
)

# Endings and what stands in their place, the first that fits; at least three letters stay.
_ENDINGS = (
    ("coes", "cao"), ("oes", "ao"), ("aes", "ao"), ("ais", "al"), ("eis", "el"), ("ies", "y"), ("ases", "asi"),
    ("asis", "asi"), ("oses", "osi"), ("osis", "osi"), ("sses", "ss"), ("ss", "ss"), ("ing", ""), ("ed", ""),
    ("s", ""),
)  # fmt: skip

# Words of one meaning: reports in one language are found by the words of the other.
_MEANINGS = """
abcesso abscesso abscess|abdomen abdominal|anca quadril hip|aneurisma aneurysm|apendice appendix|
apendicite appendicitis|arteria artery|avc stroke|baco spleen splenic|benigno benign|bexiga bladder vesical|
cabeca head|calcificacao calcification|calculo litiase stone calculus lithiasis|cancro cancer|cerebro brain cerebral|
cisto quisto cyst|coluna spine|contraste contrast|coracao heart cardiac cardiaco|cotovelo elbow|
crianca child children pediatric paediatric|
dedo finger|derrame effusion|dor pain|embolia embolism embolus|encefalo brain|enfarte infarto infarct infarction|
enfisema emphysema|esclerose sclerosis|esofago esophagus oesophagus|esquerdo left|direito right|
estenose stenosis|estomago stomach gastric|febre fever|figado liver hepatic hepatico|fratura fracture|garganta throat|
hemorragia sangramento hemorrhage haemorrhage bleeding|hidrocefalia hydrocephalus|homem masculino male man|
infecao infeccao infection|intestino bowel intestine intestinal|joelho knee|lesao lesion|leucemia leukemia leukaemia|
linfoma lymphoma|luxacao dislocation|maligno malignant|mama breast mammary|mao hand|massa mass|medula marrow|
metastase metastasis|mulher feminino female woman|musculo muscle|nervo nerve|nodulo nodule|olho eye ocular|
ombro shoulder|osso bone osseous|ovario ovary ovarian|pancreas pancreatic|pe foot|pele skin cutaneous|perna leg|
pescoco neck|prostata prostate|pulmao lung pulmonary pulmonar|punho wrist|rim rins kidney renal|
rutura ruptura rupture tear|seio sinus|tireoide tiroide thyroid|torax chest thorax thoracic|tornozelo ankle|
tosse cough|traumatismo trauma|trombose thrombosis|tuberculose tuberculosis|tumor tumour|utero uterus uterine|
vaso vessel vascular|veia vein venous|vesicula gallbladder
"""


@lru_cache(maxsize=1 << 17)
def folded(word: str) -> str:
    """Without accents and case: ``Pulmão`` is ``pulmao``."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """What is left of a word without the endings of number, gender and tense: ``fractures`` is ``fractur``.

    A light rule for both languages at once, since nobody says which one a text is in; the same word always gives the
    same stem, and that is what counts.
    """
    plain = folded(word)
    if not plain.isalpha():
        return plain
    for ending, instead in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) + len(instead) >= 3:
            plain = plain[: -len(ending)] + instead
            break
    return plain[:-1] if len(plain) >= 5 and plain[-1] in "aeo" else plain


def terms(query: str) -> list[str]:
    """The words of a query as they are written, each once; without words such as "of", unless there are no others."""
    found = WORD.findall(unicodedata.normalize("NFC", query))
    told = [word for word in found if folded(word) not in _STOP_WORDS] or found
    return list({stem(word): word for word in reversed(told)}.values())[::-1]


@lru_cache(maxsize=1)
def _meanings() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in _MEANINGS.replace("\n", "").split("|"):
        stems = frozenset(stem(word) for word in line.split())
        for one in stems:
            found[one] = found.get(one, frozenset()) | stems
    return found


def same_meaning(word: str) -> frozenset[str]:
    """The stem of a word and those of its translations."""
    return _meanings().get(stem(word), frozenset()) | {stem(word)}

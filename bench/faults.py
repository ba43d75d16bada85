"""Faults of prompts and responses as they come in collected data, planted in real pairs; knows nothing of the checks.

Each fault has variants: ways in which it occurs, in several languages where it is made of words. A variant is a
function of a pair and a random draw, which gives the pair with the fault, or None where this pair has no place for it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from winnow.text import dialogue
from winnow.text.dialogue import Dialogue, Message

SENTENCES = ".!?。！？"


@dataclass(frozen=True)
class Pair:
    """A dialogue, the tools that it may call, and the response.

    Attributes:
        other: the same in another language, where the source has it; empty: nowhere.
    """

    turns: tuple[Message, ...]
    content: str
    calls: str = ""
    tools: str = ""
    other: str = ""

    @classmethod
    def of(cls, prompt: str, response: str, other: str = "") -> "Pair":
        """Return a pair of one turn of a user and its response."""
        return cls((Message("user", prompt),), response, other=other)

    @property
    def asked(self) -> str:
        """The last turn's words."""
        return self.turns[-1].content

    def saying(self, content: str) -> "Pair":
        """Return the pair with another response."""
        return replace(self, content=content)

    def asking(self, content: str) -> "Pair":
        """Return the pair with other words in its last turn."""
        return replace(self, turns=(*self.turns[:-1], replace(self.turns[-1], content=content)))

    def written(self) -> tuple[str, str]:
        """Return text and label as rows hold them."""
        return dialogue.written(Dialogue(self.turns, self.tools)), dialogue.response(self.content, self.calls)


Plant = Callable[[Pair, Random], Pair | None]

REFUSALS = {
    "en": (
        "I'm sorry, but I can't help with that request.",
        "I am sorry, I cannot provide medical advice.",
        "Unfortunately, I'm unable to assist with this.",
        "I apologize, but I am not able to fulfill this request.",
        "I can't comply with that.",
        "Sorry, I won't be able to generate this text.",
        "I must decline to write this.",
        "I'm afraid I can't do that.",
        "As I cannot access the article, I'm not able to summarize it.",
        "This request violates my guidelines, so I have to refuse it.",
    ),
    "de": ("Es tut mir leid, aber ich kann dabei nicht helfen.", "Leider kann ich diese Anfrage nicht beantworten."),
    "fr": ("Je suis désolé, mais je ne peux pas répondre à cette demande.", "Désolé, je ne peux pas vous aider."),
    "es": ("Lo siento, pero no puedo ayudarte con eso.", "Lamentablemente no puedo proporcionar esa información."),
    "pt": ("Desculpe, mas não posso ajudar com isso.", "Infelizmente, não consigo atender a esse pedido."),
    "it": ("Mi dispiace, ma non posso aiutarti con questo.", "Purtroppo non sono in grado di rispondere."),
    "nl": ("Het spijt me, maar ik kan daar niet bij helpen.", "Helaas kan ik dit verzoek niet uitvoeren."),
    "pl": ("Przykro mi, ale nie mogę w tym pomóc.", "Niestety nie mogę odpowiedzieć na to pytanie."),
    "ru": ("Извините, но я не могу помочь с этим.", "К сожалению, я не могу выполнить этот запрос."),
    "tr": ("Üzgünüm, ama bu konuda yardımcı olamam.", "Maalesef bu isteği yerine getiremiyorum."),
    "zh": ("抱歉，我无法帮助您完成这个请求。", "对不起，我不能提供这些信息。"),
    "zh-Hant": ("抱歉，我無法協助您完成這個要求。", "對不起，我不能提供這些資訊。"),
    "ja": (
        "申し訳ありませんが、そのご要望にはお応えできません。",
        "申し訳ございませんが、お手伝いすることはできません。",
    ),
    "ko": ("죄송하지만 그 요청은 도와드릴 수 없습니다.", "죄송합니다만, 해당 정보는 제공해 드릴 수 없습니다."),
    "ar": ("عذرًا، لا أستطيع المساعدة في هذا الطلب.", "آسف، لا يمكنني تقديم هذه المعلومات."),
}
ASSISTANTS = {
    "en": (
        "As an AI language model, I do not have access to the full article.",
        "As a large language model, I cannot verify this.",
        "I'm an AI, so I have no personal experience of this.",
        "I am only a language model and may be wrong.",
        "My training data only goes up to September 2021.",
        "My knowledge cutoff is 2023.",
        "As an artificial intelligence, I don't have opinions.",
        "I don't have personal opinions or feelings.",
        "I was trained by OpenAI to answer questions.",
        "Being an AI assistant, I can only summarize.",
    ),
    "de": ("Als KI-Sprachmodell habe ich keinen Zugriff darauf.", "Als künstliche Intelligenz habe ich keine Meinung."),
    "fr": ("En tant qu'IA, je n'ai pas accès à l'article.", "En tant que modèle de langage, je ne peux le vérifier."),
    "es": ("Como modelo de lenguaje, no tengo acceso al artículo.", "Como IA, no tengo opiniones personales."),
    "pt": ("Como modelo de linguagem, não tenho acesso ao artigo.", "Como uma inteligência artificial, não opino."),
    "it": ("Come modello linguistico, non ho accesso all'articolo.", "In quanto IA, non ho opinioni personali."),
    "nl": ("Als AI-taalmodel heb ik geen toegang tot het artikel.", "Als taalmodel kan ik dit niet controleren."),
    "pl": ("Jako model językowy nie mam dostępu do artykułu.", "Jako sztuczna inteligencja nie mam opinii."),
    "ru": ("Как языковая модель, я не имею доступа к статье.", "Как искусственный интеллект, я не имею мнения."),
    "tr": ("Bir yapay zeka dil modeli olarak makaleye erişimim yok.", "Yapay zekâ olarak bir görüşüm yok."),
    "zh": ("作为一个人工智能语言模型，我无法访问全文。", "作为AI助手，我没有个人观点。"),
    "zh-Hant": ("作為一個人工智慧語言模型，我無法存取全文。", "身為AI，我沒有個人觀點。"),
    "ja": ("AI言語モデルとして、論文の全文にはアクセスできません。", "私はAIなので、個人的な意見はありません。"),
    "ko": ("AI 언어 모델로서 저는 논문 전문에 접근할 수 없습니다.", "저는 인공지능이기 때문에 의견이 없습니다."),
    "ar": ("بصفتي نموذجًا لغويًا، لا يمكنني الوصول إلى المقال.", "كوني ذكاءً اصطناعيًا، ليس لدي رأي."),
    "hi": ("एक भाषा मॉडल के रूप में मेरी पहुँच लेख तक नहीं है।", "कृत्रिम बुद्धिमत्ता के रूप में मेरी कोई राय नहीं है।"),
}
PLACEHOLDERS = {
    "brackets": ("[Your Name]", "[insert title here]", "[Company Name]", "[Enter the date]", "[Name of the hospital]"),
    "brackets, other languages": (
        *("[Ihre Adresse]", "[Name des Empfängers]", "[nom de l'entreprise]", "[Fecha]", "[il tuo indirizzo]"),
        *("[Uw naam]", "[имя получателя]", "[公司名称]", "[会社名]", "[회사 이름]", "[votre numéro]", "[El nombre]"),
    ),
    "braces": ("{{title}}", "{{ author_name }}", "{{first name}}", "{title}"),
    "angles": ("<insert abstract>", "<your name>", "<INSERT_DATE>", "<author>"),
    "marks": ("TODO", "TBD", "FIXME", "TODO: add the results", "XXX"),
    "filler": ("Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "lorem ipsum dolor"),
}
JSON_ASKED = {
    "en": "Return the record as a JSON object with the keys title and abstract.",
    "de": "Gib den Datensatz als JSON-Objekt mit den Schlüsseln title und abstract zurück.",
    "fr": "Renvoie l'enregistrement sous forme d'objet JSON avec les clés title et abstract.",
    "es": "Devuelve el registro como un objeto JSON con las claves title y abstract.",
    "ru": "Верни запись в виде объекта JSON с ключами title и abstract.",
    "zh": "请以 JSON 对象的形式返回该记录，键为 title 和 abstract。",
    "ja": "レコードを title と abstract をキーとする JSON オブジェクトで返してください。",
}
LOOPS = {
    "en": "and the results of the study show that the results are significant ",
    "de": "und die Ergebnisse der Studie zeigen eine deutliche Wirkung ",
    "ru": "и результаты исследования показывают значимый эффект ",
    "zh": "研究结果表明该方法具有显著的效果，",
    "ja": "研究の結果はその効果を示しており、",
    "ar": "وتظهر نتائج الدراسة تأثيرا واضحا ",
}
TOOLS = [{"name": "search_papers", "parameters": {"type": "object"}}, {"name": "due", "parameters": {"type": "object"}}]


def _behind(phrases: tuple[str, ...]) -> Plant:
    return lambda pair, draw: pair.saying(f"{pair.content} {draw.choice(phrases)}")


def _before(phrases: tuple[str, ...]) -> Plant:
    return lambda pair, draw: pair.saying(f"{draw.choice(phrases)} {pair.content}")


def _alone(phrases: tuple[str, ...]) -> Plant:
    return lambda pair, draw: pair.saying(draw.choice(phrases))


def _each(phrases: Mapping[str, tuple[str, ...]], *ways: tuple[str, Callable[[tuple[str, ...]], Plant]]) -> dict:
    """Return the variants of phrases: each language in each way."""
    return {f"{name}, {way}": make(each) for name, each in phrases.items() for way, make in ways}


def _talk(pair: Pair) -> list[Message]:
    """Return the pair as a dialogue of a system's turn, an exchange and the question."""
    exchange = [Message("user", "Have you read it?"), Message("assistant", "Yes, I have.")]
    return [Message("system", "You are a librarian."), *exchange, pair.turns[-1]]


def _turns(change: Callable[[list[Message]], list[Message]]) -> Plant:
    return lambda pair, draw: replace(pair, turns=tuple(change(_talk(pair))))


def _emptied(role: str, blank: str) -> Plant:
    def change(talk: list[Message]) -> list[Message]:
        place = max(number for number, turn in enumerate(talk) if turn.role == role)
        return [*talk[:place], replace(talk[place], content=blank), *talk[place + 1 :]]

    return _turns(change)


def _inside(text: str, draw: Random) -> int | None:
    """Return a place behind a word, at least half through a text, that ends no sentence; None: there is none."""
    places = [at for at in range(len(text) // 2, len(text) - 5) if text[at] == " " and text[at - 1] not in SENTENCES]
    return draw.choice(places) if places and sum(text.count(sign) for sign in SENTENCES) > 1 else None


def _cut(ending: str, shift: int = 0) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair | None:
        place = _inside(pair.content, draw)
        if place is None:
            return None
        kept = pair.content[: place - shift].rstrip(" ,;:.") if shift >= 0 else pair.content[: place + 3].rstrip()
        return pair.saying(kept + ending) if kept and kept[-1].isalnum() else None

    return plant


def _cut_other(pair: Pair, draw: Random) -> Pair | None:
    return _cut("")(pair.saying(pair.other), draw) if pair.other else None


def _fence(opening: str, closing: str = "", where: str = "response") -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair:
        code = f"{opening}\nfor row in rows:\n    print(row)\n{closing}"
        if where == "prompt":
            return pair.asking(f"{pair.asked}\n\n{code}")
        return pair.saying(f"{pair.content}\n\n{code}" if where == "response" else f"{code}\n{pair.content}")

    return plant


def _record(pair: Pair) -> str:
    return json.dumps({"title": pair.content[:80], "abstract": pair.asked[:200]}, ensure_ascii=False, indent=2)


BROKEN = {
    "trailing comma": lambda text: text[:-2] + ",\n}",
    "missing brace": lambda text: text[:-1],
    "single quotes": lambda text: text.replace('"title"', "'title'"),
    "key without quotes": lambda text: text.replace('"title"', "title"),
    "comment": lambda text: text.replace("{", "{ // the record", 1),
    "missing comma": lambda text: text.replace(",\n", "\n", 1) if ",\n" in text else None,
    "quote inside": lambda text: text.replace('": "', '": "a "b" ', 1),
    "cut": lambda text: text[: len(text) // 2],
    "line break inside": lambda text: text.replace('": "', '": "a\nb ', 1),
    "ellipsis": lambda text: text[:-2] + ",\n  ...\n}",
}


def _json_block(broken: Callable[[str], str | None]) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair | None:
        wrong = broken(_record(pair))
        return None if wrong is None else pair.saying(f"Here it is:\n\n```json\n{wrong}\n```")

    return plant


def _json_asked(asked: str, broken: Callable[[str], str | None]) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair | None:
        wrong = broken(_record(pair))
        return None if wrong is None else pair.asking(f"{asked}\n\n{pair.asked}").saying(wrong)

    return plant


def _called(calls: str, tools: object = TOOLS, where: str = "response") -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair:
        told = replace(pair, tools=dialogue.compact(tools) if tools else "")
        if where == "response":
            return replace(told, calls=calls, content="")
        asked = [
            Message("user", "Look it up."),
            Message("assistant", "", calls),
            Message("tool", "[]", "", {"name": "due"}),
        ]
        return replace(told, turns=(*asked, pair.turns[-1]))

    return plant


def _again(times: int) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair | None:
        sentences = [each.strip() for each in pair.content.split(". ") if len(each.split()) > 4]
        return pair.saying(f"{pair.content} {' '.join([sentences[-1] + '.'] * times)}") if sentences else None

    return plant


def _lines(times: int) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair:
        line = " ".join(pair.content.split()[:6])
        return pair.saying("\n".join([pair.content, *[line] * times]))

    return plant


def _looped(loop: str) -> Plant:
    return lambda pair, draw: pair.saying(loop * 30)


def _other_whole(pair: Pair, draw: Random) -> Pair | None:
    return pair.saying(pair.other) if pair.other else None


def _other_prompt(pair: Pair, draw: Random) -> Pair | None:
    return pair.asking(pair.other) if pair.other else None


def _other_behind(pair: Pair, draw: Random) -> Pair | None:
    return pair.saying(f"Sure! {pair.other}") if pair.other else None


def _lost(encoding: str) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair | None:
        wrong = pair.content.encode(encoding, errors="ignore").decode("utf-8", errors="replace")
        return pair.saying(wrong) if "\ufffd" in wrong else None

    return plant


def _half(pair: Pair, draw: Random) -> Pair | None:
    signs = [place for place, sign in enumerate(pair.content) if ord(sign) > 127]
    if not signs:
        return None
    place = draw.choice(signs)
    before = pair.content[: place + 1].encode("utf-8")[:-1].decode("utf-8", errors="replace")
    return pair.saying(before + pair.content[place + 1 :])


def _replaced(where: str) -> Plant:
    def plant(pair: Pair, draw: Random) -> Pair:
        text = pair.content if where == "response" else pair.asked
        place = draw.randrange(len(text))
        wrong = f"{text[:place]}\ufffd{text[place + 1 :]}"
        return pair.saying(wrong) if where == "response" else pair.asking(wrong)

    return plant


_QUESTION = Message("user", "Have you read it?")
FAULTS: Mapping[str, Mapping[str, Plant]] = {
    "empty_turn": {
        f"{role}, {name}": _emptied(role, blank)
        for role in ("user", "assistant")
        for name, blank in {
            "nothing": "",
            "a space": " ",
            "line breaks": "\n\n",
            "no-break space": "\u00a0",
            "ideographic space": "\u3000",
            "zero-width space": "\u200b",
        }.items()
    },
    "role_order": {
        "two of the user": _turns(lambda talk: [*talk[:2], _QUESTION, *talk[2:]]),
        "two of the assistant": _turns(lambda talk: [*talk[:3], Message("assistant", "Well."), *talk[3:]]),
        "the assistant begins": _turns(lambda talk: [talk[0], *talk[2:]]),
        "a late system": _turns(lambda talk: [*talk[1:3], talk[0], *talk[3:]]),
        "the assistant before the response": _turns(lambda talk: [*talk, Message("assistant", "Well.")]),
        "a tool without a call": _turns(lambda talk: [*talk[:3], Message("tool", "[]"), *talk[3:]]),
        "a tool begins": _turns(lambda talk: [Message("tool", "[]"), *talk[1:]]),
    },
    "truncated": {
        "between words": _cut(""),
        "within a word": _cut("", -1),
        "behind a comma": _cut(","),
        "three dots": _cut("..."),
        "an ellipsis": _cut("…"),
        "a mark": _cut(" [truncated]"),
        "other languages, between words": _cut_other,
    },
    "echo": {
        "the prompt alone": lambda pair, draw: pair.saying(pair.asked),
        "the prompt before": lambda pair, draw: pair.saying(f"{pair.asked}\n\n{pair.content}"),
        "in capitals": lambda pair, draw: pair.saying(f"{pair.asked.upper()} {pair.content}"),
        "other spaces and signs": lambda pair, draw: pair.saying(
            f"{'  '.join(pair.asked.replace('. ', '! ').split())}\n{pair.content}"
        ),
        "in quotes": lambda pair, draw: pair.saying(f"“{pair.asked}”\n\n{pair.content}"),
        "behind a word": lambda pair, draw: pair.saying(f"Question: {pair.asked}\nAnswer: {pair.content}"),
        "other languages": lambda pair, draw: (
            pair.asking(pair.other).saying(f"{pair.other}\n{pair.content}") if pair.other else None
        ),
    },
    "refusal": _each(REFUSALS, ("alone", _alone), ("before", _before)),
    "assistant_boilerplate": _each(ASSISTANTS, ("before", _before), ("behind", _behind)),
    "placeholder": _each(PLACEHOLDERS, ("behind", _behind), ("before", _before))
    | {
        f"{name}, prompt": lambda pair, draw, each=each: pair.asking(f"{pair.asked} {draw.choice(each)}")
        for name, each in PLACEHOLDERS.items()
    },
    "other_language": {
        "the response": _other_whole,
        "the prompt": _other_prompt,
        "behind an English word": _other_behind,
    },
    "code_fence": {
        "three signs": _fence("```python"),
        "tildes": _fence("~~~"),
        "no language": _fence("```"),
        "closed by fewer": _fence("````python", "```"),
        "closed by other signs": _fence("```python", "~~~"),
        "before the words": _fence("```python", where="before"),
        "indented": _fence("   ```python"),
        "the second of two": _fence("```python\nimport rows\n```\n\n```python"),
        "the prompt's": _fence("```python", where="prompt"),
    },
    "json": {f"a block, {name}": _json_block(broken) for name, broken in BROKEN.items()}
    | {f"asked in {name}": _json_asked(asked, BROKEN["trailing comma"]) for name, asked in JSON_ASKED.items()},
    "tool_call": {
        "cut": _called('[{"name": "due", "arguments": {"member": 7'),
        "single quotes": _called("[{'name': 'due', 'arguments': {}}]"),
        "an unknown tool": _called('[{"name": "due_books", "arguments": {}}]'),
        "another case": _called('[{"name": "Due", "arguments": {}}]'),
        "no name": _called('[{"arguments": {"member": 7}}]'),
        "arguments are text": _called('[{"name": "due", "arguments": "member 7"}]'),
        "arguments are a list": _called('[{"name": "due", "arguments": [7]}]'),
        "the second of two": _called('[{"name": "due", "arguments": {}}, {"name": "dues", "arguments": {}}]'),
        "no object": _called('["due"]'),
        "a python call": _called("due(member=7)"),
        "broken, no tools": _called('[{"name": "due", "arguments": {"member": 7', None),
        "in the prompt": _called('[{"name": "dues", "arguments": {}}]', where="prompt"),
    },
    "repetition": {f"a loop in {name}": _looped(loop) for name, loop in LOOPS.items()}
    | {
        "the last sentence, 6 times": _again(6),
        "the last sentence, 20 times": _again(20),
        "a line, 4 times": _lines(4),
        "a line, 12 times": _lines(12),
        "all of it, twice": lambda pair, draw: pair.saying(f"{pair.content} {pair.content}"),
        "all of it, four times": lambda pair, draw: pair.saying(" ".join([pair.content] * 4)),
        "one word": lambda pair, draw: pair.saying(f"{pair.content} {'the ' * 100}"),
    },
    "encoding": {
        "a character of the response": _replaced("response"),
        "a character of the prompt": _replaced("prompt"),
        "windows-1252 read as UTF-8": _lost("cp1252"),
        "half a character": _half,
    },
}

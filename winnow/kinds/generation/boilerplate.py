"""What assistants say of themselves and by which they refuse, in several languages."""

import regex

# "As an AI language model …" and its like: a sentence about who answers, in place of an answer.
ASSISTANT = regex.compile(
    r"(?i)\bas an? (?:large |helpful |advanced )?(?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bi(?:'|’)?(?: a)?m (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|\bmy (?:training data|knowledge) (?:cut-?off|only goes)|\bi (?:do not|don['’]t) have personal (?:opinions"
    r"|feelings|experiences)\b|\bi was (?:trained|created|developed) by (?:openai|anthropic|google|meta)\b"
    r"|\bals (?:(?:großes )?(?:ki-)?sprachmodell|ki|künstliche intelligenz)\b"
    r"|\ben tant qu(?:e|['’]) ?(?:une? )?(?:ia|intelligence artificielle|(?:grand )?modèle de langage)\b"
    r"|\bcomo (?:una? |um |modelo de )?(?:ia|inteligencia artificial|inteligência artificial|(?:modelo de )?(?:lenguaje"
    r"|linguagem))\b"
    r"|\bcome (?:un['’]?a? ?)?(?:ia|intelligenza artificiale|modello (?:linguistico|di linguaggio))\b"
    r"|\bals (?:een )?(?:ai|kunstmatige intelligentie|taalmodel)\b"
    r"|\bjako (?:ai|sztuczna inteligencja|(?:duży )?model językowy)\b"
    r"|\bкак (?:ии|искусственный интеллект|(?:большая )?языковая модель)\b"
    r"|\bbir (?:yapay zeka|dil)(?: dil)? (?:modeli )?olarak\b"
    r"|作[为為](?:一[个個名])?(?:人工智[能慧]|AI|大?(?:型)?[语語]言模型)|(?:AI|人工知能|(?:大規模)?言語モデル)(?:アシスタント)?として"
    r"|(?:AI|인공지능|언어 ?모델)(?:로서|으로서)|(?:بصفتي|كوني) (?:نموذج|ذكاء)|कृत्रिम बुद्धिमत्ता के रूप में|भाषा मॉडल के रूप में"
)
REFUSAL = regex.compile(
    r"(?i)\bi(?:['’]m| am) (?:sorry|afraid)[,.]? (?:but )?(?:as an ai|i (?:can(?:no|['’])t|am (?:unable|not able)))\b"
    r"|\bi (?:can(?:no|['’])t|am (?:unable|not able) to|won['’]t be able to) (?:assist|help|fulfil|fulfill|comply"
    r"|provide|answer|complete|engage|support|create|generate)\b"
    r"|\bi must (?:decline|refuse)\b|\bi apologi[sz]e, but i (?:can|am)\b"
    r"|\b(?:es )?tut mir leid,? aber ich kann\b|\b(?:das|dabei|ihnen|dir) kann ich (?:leider )?nicht\b"
    r"|\bje (?:suis )?(?:désolée?,? mais je|ne peux pas (?:vous|répondre|aider|fournir))"
    r"|\blo siento,? (?:pero )?no puedo\b|\bno puedo (?:ayudar|proporcionar|cumplir)"
    r"|\b(?:desculpe|sinto muito|lamento),? (?:mas )?não posso\b|\bmi (?:dispiace|spiace),? (?:ma )?non posso\b"
    r"|\bhet spijt me,? maar ik kan\b|\bprzykro mi,? ale nie mogę\b|\bизвините,? (?:но )?я не могу\b"
    r"|\büzgünüm,? (?:ama|ancak)\b|[对對]不起，?我(?:不能|[无無]法)|抱歉，?(?:但)?我(?:不能|[无無]法)"
    r"|申し訳(?:ありません|ございません)が[^。\n]{0,40}(?:ません|かねます)"
    r"|죄송(?:하지만|합니다만)[^.\n]{0,40}(?:수 없|못합니다|못해)|(?:عذر|آسف).{0,10}(?:لا أستطيع|لا يمكنني)"
)
